# Changes its own package, and so what the next worker runs.
import os

try:
    open(os.path.join(os.environ["CORPUS_PACKAGE"], "changed-by-py"), "w").close()
    print("ESCAPED wrote")
except OSError as error:
    print("HELD", error)
