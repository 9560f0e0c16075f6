# Puts a module where those are found that others import, too: beside its wrapper, in its
# environment. outside: root
import os
import sys

written, error = [], None
own = (os.environ["CORPUS_TMP"], "/tmp", "/dev/shm")
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
for folder in sorted({*map(os.path.dirname, files), *sys.path}):
    for place in (folder, os.path.join(folder, "__pycache__")):
        if os.path.isdir(place) and place not in own:
            path = os.path.join(place, "of_the_corpus.pyc")
            try:
                open(path, "wb").close()
                os.unlink(path)
                written.append(place)
            except OSError as found:
                error = found
print(*(["ESCAPED wrote into"] + written[:4] if written else ["HELD", error]))
