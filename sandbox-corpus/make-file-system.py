# Makes a file system in memory, to be mounted; mounts it nowhere. outside: root
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
FSOPEN = 430
made = libc.syscall(FSOPEN, b"tmpfs", 0)
print("ESCAPED made" if made >= 0 else f"HELD {os.strerror(ctypes.get_errno())}")
