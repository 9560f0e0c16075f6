# Counts what the whole machine does. outside: root
import ctypes
import errno
import os

libc = ctypes.CDLL(None, use_errno=True)
PERF_EVENT_OPEN = 298 if os.uname().machine == "x86_64" else 241
SOFTWARE, SIZE, TASK_CLOCK = 1, 112, 1
attributes = (ctypes.c_uint32 * 28)(SOFTWARE, SIZE, TASK_CLOCK)
made = libc.syscall(PERF_EVENT_OPEN, ctypes.byref(attributes), -1, 0, -1, 0)
error = ctypes.get_errno()
if made >= 0:
    os.close(made)
    print("ESCAPED counts")
else:
    print("ABSENT" if error == errno.ENOSYS else "HELD", os.strerror(error))
