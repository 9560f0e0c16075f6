# Changes the interpreter that others use, too: puts a longer copy in its place.
import os
import shutil

interpreter = os.environ["CORPUS_INTERPRETER"]
try:
    shutil.copy2(interpreter, interpreter + ".by-py")
    with open(interpreter + ".by-py", "ab") as file:
        file.write(b"changed")
    os.replace(interpreter + ".by-py", interpreter)
    print("ESCAPED wrote")
except OSError as error:
    print("HELD", error)
