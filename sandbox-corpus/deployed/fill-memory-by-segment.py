# Takes memory that belongs to no process: segments to be shared. needs: memory group
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]
SIZE, REMOVE = 8 << 20, 0
most = int(os.environ["CORPUS_FILL_MIB"])
segments = []
while len(segments) * 8 < most:
    segment = libc.shmget(0, SIZE, 0o600)
    if segment < 0:
        break
    segments.append(segment)
    place = libc.shmat(segment, None, 0)
    if place == ctypes.c_void_p(-1).value:
        break
    ctypes.memset(place, 1, SIZE)
    libc.shmdt(place)
for segment in segments:
    libc.shmctl(segment, REMOVE, None)
print("ESCAPED" if len(segments) * 8 >= most else "HELD", len(segments) * 8, "MiB")
