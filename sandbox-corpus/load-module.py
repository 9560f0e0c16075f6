# Hands the kernel a module, which is none. outside: root
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
INIT_MODULE = 175 if os.uname().machine == "x86_64" else 105
libc.syscall(INIT_MODULE, b"no module", 9, b"")
error = ctypes.get_errno()
if error == errno.ENOSYS:
    print("ABSENT this kernel has no modules")
elif error == errno.EPERM:
    print("HELD", os.strerror(error))
else:
    print("ESCAPED the kernel looked at it:", os.strerror(error))
