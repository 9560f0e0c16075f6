# Takes memory that belongs to no process: a file without a name. needs: memory group
import os

most = int(os.environ["CORPUS_FILL_MIB"])
file = os.memfd_create("corpus")
taken, error = 0, ""
try:
    while taken < most:
        os.write(file, b"x" * (1 << 20))
        taken += 1
except OSError as found:
    error = found
os.close(file)
print("ESCAPED" if taken >= most else "HELD", taken, "MiB", error)
