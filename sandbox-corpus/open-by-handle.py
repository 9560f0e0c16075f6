# Asks for the handle of a file, the first step of opening files around the tree.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
handle = (ctypes.c_uint32 * 40)(128, 0)
mount = ctypes.c_int()
made = libc.name_to_handle_at(-100, b"/usr", ctypes.byref(handle), ctypes.byref(mount), 0)
print("ESCAPED got it" if made == 0 else f"HELD {os.strerror(ctypes.get_errno())}")
