# Reads the log of the kernel. outside: root
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
READ_ALL = 3
text = ctypes.create_string_buffer(64)
read = libc.klogctl(READ_ALL, text, 64)
print("ESCAPED read" if read >= 0 else f"HELD {os.strerror(ctypes.get_errno())}")
