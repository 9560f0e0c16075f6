# Follows a link of its own to a file of the server.
import os

link = os.path.join(os.environ["CORPUS_TMP"], "link-by-py")
os.symlink(os.environ["CORPUS_SERVER_FILE"], link)
try:
    with open(link, "rb") as file:
        print("ESCAPED read:", file.read(15))
except OSError as error:
    print("HELD", error)
