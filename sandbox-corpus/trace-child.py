# Traces a process of its own: the door to ptrace is shut altogether.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
TRACEME = 0
child = os.fork()
if child == 0:
    os._exit(0 if libc.ptrace(TRACEME, 0, None, None) == 0 else ctypes.get_errno())
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print("ESCAPED traced" if code == 0 else f"HELD {os.strerror(code)}")
