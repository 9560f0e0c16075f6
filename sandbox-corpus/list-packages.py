# Looks which packages there are beside its own.
import os

home, own = os.path.split(os.environ["CORPUS_PACKAGE"])
others = [entry for entry in os.listdir(home) if entry != own]
print("ESCAPED it sees more:" if others else "HELD it sees its own alone", *others[:3])
