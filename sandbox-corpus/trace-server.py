# Attaches to the server as a debugger does, and lets go again. outside: root
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
SEIZE = 0x4206
child = os.fork()
if child == 0:
    # The end of a tracer lets go of what it traces.
    os._exit(0 if libc.ptrace(SEIZE, int(os.environ["CORPUS_SERVER"]), None, None) == 0 else ctypes.get_errno())
_, status = os.waitpid(child, 0)
code = os.waitstatus_to_exitcode(status)
print("ESCAPED attached" if code == 0 else f"HELD {os.strerror(code)}")
