# Sets up a ring through which the kernel makes calls that no filter sees.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
SETUP = 425
parameters = (ctypes.c_uint32 * 64)()
made = libc.syscall(SETUP, 4, ctypes.byref(parameters))
if made >= 0:
    print("ESCAPED made")
else:
    off = False
    try:
        with open("/proc/sys/kernel/io_uring_disabled") as file:
            off = file.read().strip() != "0"
    except OSError:
        # A kernel without the setting may well be one without rings.
        off = not os.path.exists("/proc/sys/kernel/io_uring_disabled")
    print("ABSENT off on this machine," if off and "CORPUS_OUTSIDE" in os.environ else "HELD", os.strerror(ctypes.get_errno()))
