# Connects to a socket of the machine that has a name but no file, as services of desktops and containers have.
import os
import socket

with socket.socket(socket.AF_UNIX) as asked:
    try:
        asked.connect("\0" + os.environ["CORPUS_SOCKET"])
        print("ESCAPED connected")
    except OSError as error:
        print("HELD", error)
