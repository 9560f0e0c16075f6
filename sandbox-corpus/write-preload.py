# Names a library that all programs are to load first; names none. outside: root
import os

path = "/etc/ld.so.preload"
was_there = os.path.exists(path)
try:
    open(path, "ab").close()
    if not was_there:
        os.unlink(path)
    print("ESCAPED opened")
except OSError as error:
    print("HELD", error)
