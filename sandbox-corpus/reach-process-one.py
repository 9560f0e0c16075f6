# Looks through the first process it sees, which is the server's own program: its file, its root, its memory, its
# descriptors. Outside, through the server itself. outside: root
import os

process = os.environ["CORPUS_SERVER"] if "CORPUS_OUTSIDE" in os.environ else "1"
opened, error = [], None
for part, flags in {"exe": os.O_RDONLY, "root": os.O_PATH, "cwd": os.O_PATH, "mem": os.O_RDWR, "environ": os.O_RDONLY,
                    "fd/0": os.O_RDONLY, "map_files": os.O_RDONLY, "fd": os.O_RDONLY}.items():
    try:
        os.close(os.open(f"/proc/{process}/{part}", flags))
        if part != "map_files" and part != "fd" or os.listdir(f"/proc/{process}/{part}"):
            opened.append(part)
    except OSError as found:
        error = found
print(*(["ESCAPED opened"] + opened if opened else ["HELD", error]))
