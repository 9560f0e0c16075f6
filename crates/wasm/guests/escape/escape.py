"""Tries what the event's body says to reach what nobody granted, and replies with what it found."""

import os
import socket
import subprocess
import threading
import urllib.request

from wit_world import exports
from wit_world.imports.types import Event, Reply

TRIES = {
    "read": lambda what: open(what).read(),
    "write": lambda what: open(what, "w").write("x"),
    "list": lambda what: ",".join(os.listdir(what)),
    "environment": lambda what: os.environ[what],
    "variables": lambda what: ",".join(sorted(os.environ)),
    "connect": lambda what: str(socket.create_connection((what.split(":")[0], int(what.split(":")[1])), timeout=5)),
    "udp": lambda what: str(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", (what, 53))),
    "listen": lambda what: str(socket.create_server(("127.0.0.1", int(what)))),
    "resolve": lambda what: str(socket.getaddrinfo(what, 80)),
    "fetch": lambda what: urllib.request.urlopen(what, timeout=5).read().decode(),
    "run": lambda what: subprocess.check_output(what, shell=True).decode(),
    "fork": lambda what: str(os.fork()),
    "kill": lambda what: str(os.kill(int(what), 9)),
    "thread": lambda what: str(threading.Thread(target=print).start()),
    "memory": lambda what: str(len(bytearray(int(what)))),
    "raise": lambda what: str(1 // int(what)),
}


class Handler(exports.Handler):
    def handle(self, event: Event) -> Reply:
        attempt, _, what = event.body.decode().partition(" ")
        if attempt in ("memory", "raise"):
            return Reply(200, "text/plain", [], TRIES[attempt](what).encode())
        try:
            return Reply(200, "text/plain", [], TRIES[attempt](what).encode())
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is the answer
            return Reply(403, "text/plain", [], f"{type(error).__name__}: {error}".encode())
