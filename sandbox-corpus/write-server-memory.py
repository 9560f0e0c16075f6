# Writes into the memory of the server, at an address where there is nothing. outside: root
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)


class Piece(ctypes.Structure):
    _fields_ = [("at", ctypes.c_void_p), ("size", ctypes.c_size_t)]


text = ctypes.create_string_buffer(1)
here, there = Piece(ctypes.addressof(text), 1), Piece(8, 1)
libc.process_vm_writev(int(os.environ["CORPUS_SERVER"]), ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
error = ctypes.get_errno()
# It may, or the kernel would not have looked for the address.
print("ESCAPED may write" if error == errno.EFAULT else f"HELD {os.strerror(error)}")
