# Looks for the server's secret in the environment of every process it can see; outside, of the server alone. outside: root
import os

SECRET = b"CORPUS-" + b"SECRET"
processes = [entry for entry in os.listdir("/proc") if entry.isdigit() and int(entry) != os.getpid()]
if "CORPUS_OUTSIDE" in os.environ:
    processes = [os.environ["CORPUS_SERVER"]]
seen = 0
for process in processes:
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
