# Mounts over its scratch space, and takes that away again. outside: root
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
place = os.environ["CORPUS_TMP"].encode()
if libc.mount(b"none", place, b"tmpfs", 0, None) == 0:
    libc.umount(place)
    print("ESCAPED mounted")
else:
    print("HELD", os.strerror(ctypes.get_errno()))
