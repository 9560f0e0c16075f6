# Leaves a key in the kernel, where other processes of its user could find it.
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
ADD_KEY = 248 if os.uname().machine == "x86_64" else 217
PROCESS_KEYRING = -2
made = libc.syscall(ADD_KEY, b"user", b"corpus", b"text", 4, PROCESS_KEYRING)
error = ctypes.get_errno()
if made >= 0:
    print("ESCAPED left")
else:
    print("ABSENT" if error == errno.ENOSYS else "HELD", os.strerror(error))
