"""Echo calls per second of each worker: one after the other, and with events waiting in the socket."""

import json
import os
import time

from cases import CaseRun
from guest import EVENT, REPLY, start

CALLS = 40_000
AHEAD = 32


def _ask(guest, frame, count, ahead):
    """Sends ``count`` events, at most ``ahead`` unanswered; returns the seconds it took."""
    sock = guest.socket
    sent = answered = 0
    rest = b""
    begun = time.perf_counter()
    while answered < count:
        burst = min(ahead - (sent - answered), count - sent)
        if burst:
            sock.sendall(frame * burst)
            sent += burst
        rest += sock.recv(1 << 20)
        position = 0
        while len(rest) - position >= 16:
            end = position + 4 + int.from_bytes(rest[position : position + 4], "little")
            if end > len(rest):
                break
            assert rest[position + 4] == REPLY
            answered += 1
            position = end
        rest = rest[position:]
    return time.perf_counter() - begun


def _cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main(guests, conformance):
    """Prints a table."""
    folder = os.path.join(conformance, "echo")
    with open(os.path.join(folder, "case.json"), encoding="utf-8") as file:
        case = json.load(file)
    meta = {
        "id": "0193f1f0-0000-7000-8000-000000000000",
        "attempt": 1,
        "time_us": 1763769600000000,
        "trigger": {"kind": "http", "name": "default-http"},
        "method": "POST",
        "path": "/",
        "headers": {"content-type": "text/plain", "host": "127.0.0.1:7070", "accept": "*/*", "content-length": "64"},
        "content_type": "text/plain",
        "deadline_ms": 30000,
    }
    print(f"{'worker':<12} {'ahead':>5} {'calls/s':>9} {'calls per CPU second of the worker':>36}")
    for name, (runtime, command, environment) in guests.items():
        with start(command, environment) as guest:
            CaseRun(guest, folder, case, runtime).hello()
            frame = guest.encode(EVENT, 1, meta, b"x" * 64)
            _ask(guest, frame, CALLS // 10, AHEAD)
            for ahead in (1, AHEAD):
                before = _cpu_seconds(guest.pid)
                seconds = _ask(guest, frame, CALLS, ahead)
                spent = _cpu_seconds(guest.pid) - before
                print(f"{name:<12} {ahead:>5} {CALLS / seconds:>9.0f} {CALLS / max(spent, 0.01):>36.0f}")
