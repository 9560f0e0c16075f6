# Answers calls that are not its own, speaks for the worker as a whole, and says what nobody says. outside: held
import json
import os
import struct

REPLY, ERROR, LOG, READY, FAILED = 18, 19, 20, 16, 17


def frame(kind, stream, meta=b"{}", body=b"", flags=0):
    return struct.pack("<IBBHII", 12 + len(meta) + len(body), kind, flags, 0, stream, len(meta)) + meta + body


forged = [frame(REPLY, stream, b'{"status": 200}', b"ESCAPED forged") for stream in range(1000, 1200)]
forged += [frame(ERROR, 4_000_000_000, b'{"message": "forged"}'), frame(LOG, 77, b'{"level": "info", "message": "forged"}')]
forged += [frame(READY, 0, json.dumps({"protocol": 1, "runtime": "forged", "version": "0", "slots": 4_000_000_000}).encode())]
forged += [frame(99, 0), frame(FAILED, 0, b'{"type": "forged", "message": "forged"}')]
for one in forged:
    os.write(3, one)
print("HELD it said what it liked")
