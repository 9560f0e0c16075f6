# Takes a descriptor out of the server's process. outside: root
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
PIDFD_GETFD = 438
try:
    server = os.pidfd_open(int(os.environ["CORPUS_SERVER"]))
    taken = libc.syscall(PIDFD_GETFD, server, 1, 0)
    print("ESCAPED took one" if taken >= 0 else f"HELD {os.strerror(ctypes.get_errno())}")
except OSError as error:
    print("HELD", error)
