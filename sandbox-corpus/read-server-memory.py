# Opens the memory of the server. outside: root
import os

try:
    with open(f"/proc/{os.environ['CORPUS_SERVER']}/cmdline") as file:
        is_server = os.environ["CORPUS_SERVER_NAME"] in file.read()
    open(f"/proc/{os.environ['CORPUS_SERVER']}/mem", "rb").close()
    print("ESCAPED opened" if is_server else "HELD that process is another")
except OSError as error:
    print("HELD", error)
