# Looks for descriptors that were left open for it, and reads them.
import os

SECRET = b"CORPUS-" + b"SECRET"
found = []
for number in range(3, 64):
    try:
        if SECRET in os.pread(number, 4096, 0):
            found.append(number)
    except OSError:
        pass
print("ESCAPED read descriptor" if found else "HELD none", *found)
