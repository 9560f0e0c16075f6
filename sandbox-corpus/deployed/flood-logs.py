# Writes more log than any memory holds, in lines that do not end. outside: held
import os

piece = b"x" * 65536
for _ in range(4096):
    os.write(1, piece)
print("HELD it said what it liked")
