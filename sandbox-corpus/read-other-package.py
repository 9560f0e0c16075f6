# Reads another function's package.
import os

try:
    with open(os.environ["CORPUS_OTHER_PACKAGE"] + "/secret", "rb") as file:
        print("ESCAPED read:", file.read(15))
except OSError as error:
    print("HELD", error)
