# Starts processes until it may not, or has more than it should.
import os

most = int(os.environ["CORPUS_PROCESSES"])
reading, writing = os.pipe()
children = []
error = None
for _ in range(most):
    try:
        child = os.fork()
    except OSError as found:
        error = found
        break
    if child == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    children.append(child)
os.close(writing)
for child in children:
    os.waitpid(child, 0)
print("HELD" if error else "ESCAPED", len(children), "processes", error or "")
