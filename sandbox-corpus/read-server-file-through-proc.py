# Reads a file of the server through the root of the server's process. outside: root
import os

try:
    with open(f"/proc/{os.environ['CORPUS_SERVER']}/root{os.environ['CORPUS_SERVER_FILE']}", "rb") as file:
        print("ESCAPED read:", file.read(15))
except OSError as error:
    print("HELD", error)
