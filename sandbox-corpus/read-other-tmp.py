# Reads what another function has put into its scratch space.
import os

try:
    with open(os.environ["CORPUS_OTHER_TMP"] + "/secret", "rb") as file:
        print("ESCAPED read:", file.read(15))
except OSError as error:
    print("HELD", error)
