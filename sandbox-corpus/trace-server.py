# Attaches to the server as a debugger does, and lets go again. outside: root
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
SEIZE, DETACH = 0x4206, 17
server = int(os.environ["CORPUS_SERVER"])
if libc.ptrace(SEIZE, server, None, None) == 0:
    print("ESCAPED attached")
    sys.stdout.flush()
    os._exit(0)
print("HELD", os.strerror(ctypes.get_errno()))
