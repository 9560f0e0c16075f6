"""Stands for a server: has a secret in its environment, answers at an address of the loopback and at an abstract socket."""

import os
import select
import socket

api = socket.create_server(("127.0.0.1", 0))
named = socket.socket(socket.AF_UNIX)
named.bind(f"\0corpus-{os.getpid()}")
named.listen()
print(f"127.0.0.1:{api.getsockname()[1]}", flush=True)
# Ends when whoever started it closes its standard input.
while True:
    ready, _, _ = select.select([0, api, named], [], [])
    if 0 in ready:
        break
    for listener in ready:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(1)
            try:
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
            except OSError:
                pass
