# Makes a user namespace, in which it would have all capabilities.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
NEWUSER = 0x10000000
child = os.fork()
if child == 0:
    os._exit(0 if libc.unshare(NEWUSER) == 0 else ctypes.get_errno())
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print("ESCAPED made" if code == 0 else f"HELD {os.strerror(code)}")
