# Takes more means of watching files than a program needs: the kernel has few for each user, whom others may share.
import ctypes
import errno
import os

WANTED = 40
libc = ctypes.CDLL(None, use_errno=True)
taken = 0
while taken < WANTED and libc.inotify_init() >= 0:
    taken += 1
error = ctypes.get_errno()
if taken == WANTED:
    print("ESCAPED took", taken)
else:
    print("ABSENT" if error == errno.ENOSYS else "HELD", "after", taken, os.strerror(error))
