# Calls the API of the server over the loopback, without a token.
import os
import socket

host, port = os.environ["CORPUS_API"].rsplit(":", 1)
try:
    with socket.create_connection((host, int(port)), timeout=10) as api:
        api.sendall(b"GET /v1/functions HTTP/1.0\r\nhost: localhost\r\n\r\n")
        print("ESCAPED answered:", api.recv(64)[:32])
except OSError as error:
    print("HELD", error)
