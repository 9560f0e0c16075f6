# Attaches memory that programs of the machine share by a number.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
segment = libc.shmget(int(os.environ["CORPUS_SEGMENT"]), 0, 0)
if segment >= 0 and libc.shmat(segment, None, 0o10000) != ctypes.c_void_p(-1).value:
    print("ESCAPED attached")
else:
    print("HELD", os.strerror(ctypes.get_errno()))
