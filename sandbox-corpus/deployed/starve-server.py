# Says that its answer lies in shared memory, which it takes away; then that it is larger than any memory. outside: held
import os
import struct

REPLY, SHARED = 18, 1


def reply(stream, offset, size):
    body = struct.pack("<QQ", offset, size)
    return struct.pack("<IBBHII", 12 + 2 + len(body), REPLY, SHARED, 0, stream, 2) + b"{}" + body


os.ftruncate(5, 1 << 24)
os.ftruncate(5, 0)
# The arena of the other direction, too: the server's next large event is written into it.
os.ftruncate(4, 0)
for stream in range(1, 64):
    os.write(3, reply(stream, 0, 1 << 20))
os.ftruncate(5, 1 << 40)
for stream in range(1, 64):
    os.write(3, reply(stream, 0, 1 << 39))
    os.write(3, reply(stream, (1 << 64) - 8, 1 << 10))
print("HELD it said what it liked")
