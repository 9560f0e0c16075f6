# Opens a disk, or the machine's memory. outside: root
import os
import stat

found = []
for folder in ("/dev", "/tmp"):
    for entry in os.listdir(folder):
        path = os.path.join(folder, entry)
        try:
            if stat.S_ISBLK(os.stat(path).st_mode):
                found.append(path)
                open(path, "rb").close()
                print("ESCAPED opened", path)
                raise SystemExit
        except OSError:
            pass
if "CORPUS_OUTSIDE" in os.environ and not found:
    print("ABSENT this machine has no disk of its own")
else:
    print("HELD", len(found), "disks to be seen")
