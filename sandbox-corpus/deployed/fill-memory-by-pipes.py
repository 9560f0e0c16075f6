# Takes memory of the kernel: pipes and sockets that nobody reads. What is full keeps what it has. needs: memory group
import os
import socket

most = int(os.environ["CORPUS_FILL_MIB"]) << 20
kept, taken, error = [], 0, ""
piece = b"x" * 65536
try:
    while taken < most:
        pair = socket.socketpair()
        kept.append(pair)
        for one in pair:
            one.setblocking(False)
            try:
                while taken < most:
                    taken += one.send(piece)
            except BlockingIOError:
                pass
except OSError as found:
    error = found
for pair in kept:
    for one in pair:
        one.close()
print("ESCAPED" if taken >= most else "HELD", taken >> 20, "MiB", error)
