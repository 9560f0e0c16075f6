# Opens the memory of the kernel. outside: root
import os

opened, error = [], None
for path in ("/proc/kcore", "/dev/mem", "/dev/kmsg"):
    try:
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        opened.append(path)
    except OSError as found:
        error = found
print(*(["ESCAPED opened"] + opened if opened else ["HELD", error]))
