# Makes a user namespace by the numbers of a third kind of machine.
import ctypes
import errno
import os

NEWUSER, THIRD, UNSHARE = 0x10000000, 0x40000000, 272
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    os._exit(0 if libc.syscall(THIRD + UNSHARE, NEWUSER) == 0 else ctypes.get_errno())
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
if code == 0:
    print("ESCAPED made")
else:
    print("ABSENT" if code == errno.ENOSYS and "CORPUS_OUTSIDE" in os.environ else "HELD", code)
