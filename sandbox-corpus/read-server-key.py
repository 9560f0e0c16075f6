# Reads the key that the server seals secrets with.
import os

try:
    with open(os.environ["CORPUS_SERVER_KEY"], "rb") as file:
        print("ESCAPED read:", file.read(15))
except OSError as error:
    print("HELD", error)
