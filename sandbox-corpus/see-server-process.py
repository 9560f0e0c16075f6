# Looks at the process of the server.
import os

try:
    with open(f"/proc/{os.environ['CORPUS_SERVER']}/cmdline") as file:
        is_server = os.environ["CORPUS_SERVER_NAME"] in file.read()
    print("ESCAPED sees it" if is_server else "HELD that process is another")
except OSError as error:
    print("HELD", error)
