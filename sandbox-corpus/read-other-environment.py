# Looks for another function's secret in the environment of every process it can see. outside: root
import os

SECRET = b"CORPUS-" + b"NEIGHBOUR"
seen = 0
for process in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{process}/environ", "rb") as file:
            seen += 1
            if SECRET in file.read():
                print("ESCAPED found in process", process)
                break
    except OSError:
        pass
else:
    print("HELD", seen, "environments were to be read")
