# Fills its scratch space until it is full, or holds more than it should.
import os

most = int(os.environ["CORPUS_FILL_MIB"])
written = 0
error = None
places = [os.environ["CORPUS_TMP"]]
if "CORPUS_OUTSIDE" not in os.environ:
    places.append("/dev/shm")
for place in places:
    try:
        with open(os.path.join(place, "filled"), "wb", buffering=0) as file:
            while written < most:
                file.write(b"x" * (1 << 20))
                written += 1
    except OSError as found:
        error = found
for place in places:
    if os.path.exists(os.path.join(place, "filled")):
        os.unlink(os.path.join(place, "filled"))
print("ESCAPED" if written >= most else "HELD", written, "MiB", error or "")
