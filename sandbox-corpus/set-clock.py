# Sets the machine's clock on by nothing. outside: root
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
SET_OFFSET = 0x0100
change = (ctypes.c_uint32 * 64)(SET_OFFSET)
print("ESCAPED set" if libc.clock_adjtime(0, ctypes.byref(change)) >= 0 else f"HELD {os.strerror(ctypes.get_errno())}")
