# Asks for a map of the kernel's virtual machine. outside: root
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
BPF = 321 if os.uname().machine == "x86_64" else 280
attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)
made = libc.syscall(BPF, 0, ctypes.byref(attributes), 72)
error = ctypes.get_errno()
if made >= 0:
    print("ESCAPED made")
else:
    print("ABSENT" if error == errno.ENOSYS else "HELD", os.strerror(error))
