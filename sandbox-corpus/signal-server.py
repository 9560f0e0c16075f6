# Signals the server. The signal is one that nobody minds.
import os
import signal

try:
    os.kill(int(os.environ["CORPUS_SERVER"]), signal.SIGURG)
    with open(f"/proc/{os.environ['CORPUS_SERVER']}/cmdline") as file:
        is_server = os.environ["CORPUS_SERVER_NAME"] in file.read()
    print("ESCAPED signalled" if is_server else "HELD that process is another")
except OSError as error:
    print("HELD", error)
