# Asks to handle page faults, which slows the kernel down at moments of one's choice.
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
USERFAULTFD = 323 if os.uname().machine == "x86_64" else 282
USER_MODE_ONLY = 1
made = libc.syscall(USERFAULTFD, USER_MODE_ONLY)
error = ctypes.get_errno()
if made >= 0:
    print("ESCAPED made")
else:
    print("ABSENT" if error == errno.ENOSYS else "HELD", os.strerror(error))
