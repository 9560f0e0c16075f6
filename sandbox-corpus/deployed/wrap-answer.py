# Says that its answer in shared memory goes round the end of all numbers. outside: held
import os
import struct
import sys

REPLY, SHARED = 18, 1
frame = sys._getframe()
while not isinstance(frame.f_locals.get("stream"), int):
    frame = frame.f_back
os.ftruncate(5, 1 << 40)
place = struct.pack("<QQ", (1 << 64) - 8, 64)
head = struct.pack("<IBBHII", 12 + 2 + len(place), REPLY, SHARED, 0, frame.f_locals["stream"], 2)
os.write(3, head + b"{}" + place)
print("HELD it said what it liked")
