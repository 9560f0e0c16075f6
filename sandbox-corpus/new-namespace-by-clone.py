# The same by starting a process, which has its flags elsewhere.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
NEWUSER, CHILD_ENDED = 0x10000000, 17
CLONE = 56 if os.uname().machine == "x86_64" else 220
child = libc.syscall(CLONE, NEWUSER | CHILD_ENDED, 0, 0, 0, 0)
if child == 0:
    os._exit(0)
if child > 0:
    os.waitpid(child, 0)
    print("ESCAPED made")
else:
    print("HELD", os.strerror(ctypes.get_errno()))
