# Calls functions that do not exist, and hears no answer. outside: held
import json
import os
import struct
import sys
import threading

CALL = 22
frame = sys._getframe()
while not isinstance(frame.f_locals.get("stream"), int):
    frame = frame.f_back
stream = frame.f_locals["stream"]


def flood():
    for number in range(20_000):
        meta = json.dumps({"call": number, "function": "nobody"}).encode()
        os.write(3, struct.pack("<IBBHII", 12 + len(meta) + 1000, CALL, 0, 0, stream, len(meta)) + meta + b"x" * 1000)


thread = threading.Thread(target=flood, daemon=True)
thread.start()
thread.join(10)
print("HELD it said what it liked")
