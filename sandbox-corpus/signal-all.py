# Signals all processes there are, but for its own and the first; with a signal that does nothing. outside: root
import os

others = [int(entry) for entry in os.listdir("/proc") if entry.isdigit() and int(entry) not in (1, os.getpid(), os.getppid())]
try:
    os.kill(-1, 0)
    print("ESCAPED" if others or "CORPUS_OUTSIDE" in os.environ else "HELD alone with", len(others), "others")
except OSError as error:
    print("HELD", error)
