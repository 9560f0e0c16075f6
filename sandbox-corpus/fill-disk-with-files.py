# Makes empty files until there may be no more, or are more than there should be.
import os

MOST = 20_000
folder = os.path.join(os.environ["CORPUS_TMP"], "files")
os.mkdir(folder)
made = 0
error = None
try:
    while made < MOST:
        open(os.path.join(folder, str(made)), "w").close()
        made += 1
except OSError as found:
    error = found
for number in range(made):
    os.unlink(os.path.join(folder, str(number)))
os.rmdir(folder)
print("ESCAPED" if made >= MOST else "HELD", made, "files", error or "")
