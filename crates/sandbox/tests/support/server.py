"""Stands for a server and for what runs beside it: server.py NAME SOCKET_FILE.

It has a secret in its environment and its name in its command line, answers at an address of the loopback, at an abstract socket and
at a socket that is a file, shares a segment of memory, and has a child with a secret of another function. It says on one line
where its address is and what number the segment has, and ends when whoever started it closes its standard input.
"""

import ctypes
import os
import select
import socket
import subprocess
import sys

libc = ctypes.CDLL(None, use_errno=True)
CREATE, REMOVE = 0o1666, 0
api = socket.create_server(("127.0.0.1", 0))
named = socket.socket(socket.AF_UNIX)
named.bind("\0" + sys.argv[1])
named.listen()
file = socket.socket(socket.AF_UNIX)
file.bind(sys.argv[2])
os.chmod(sys.argv[2], 0o666)
file.listen()
segment = libc.shmget(os.getpid(), 4096, CREATE)
child = subprocess.Popen(["sleep", "600"], env={**os.environ, "SECRET": "CORPUS-" + "NEIGHBOUR"})
try:
    print(f"127.0.0.1:{api.getsockname()[1]} {os.getpid()}", flush=True)
    while True:
        ready, _, _ = select.select([0, api, named, file], [], [])
        if 0 in ready:
            break
        for listener in ready:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(1)
                try:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
                except OSError:
                    pass
finally:
    child.kill()
    child.wait()
    libc.shmctl(segment, REMOVE, None)
