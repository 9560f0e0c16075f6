# Begins a frame of four gigabytes, and leaves the server to wait for it. outside: held
import os

os.write(3, b"\xff" * 4096)
print("HELD it said what it liked")
