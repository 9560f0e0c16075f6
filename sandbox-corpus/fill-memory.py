# Takes memory until it may not, or has more than it should.
import os

most = int(os.environ["CORPUS_FILL_MIB"])
taken = []
error = ""
try:
    while len(taken) < most:
        taken.append(bytearray(1 << 20))
except MemoryError:
    error = "MemoryError"
count = len(taken)
taken.clear()
print("ESCAPED" if count >= most else "HELD", count, "MiB", error)
