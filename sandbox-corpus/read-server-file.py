# Reads a file of the server by its path.
import os

try:
    with open(os.environ["CORPUS_SERVER_FILE"], "rb") as file:
        print("ESCAPED read:", file.read(15))
except OSError as error:
    print("HELD", error)
