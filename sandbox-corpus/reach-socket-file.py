# Connects to a socket of the machine that is a file, as that of a container engine.
import os
import socket

with socket.socket(socket.AF_UNIX) as asked:
    try:
        asked.connect(os.environ["CORPUS_SOCKET_FILE"])
        print("ESCAPED connected")
    except OSError as error:
        print("HELD", error)
