"""Frames on the socket: the one place that knows their layout.

A ``Wire`` parses as many frames as one ``recv`` brings and puts them into ``inbox`` in order. Sending is safe from
any thread and from a signal handler or finalizer that interrupts a send. The socket stays in blocking mode.
When the host is gone there is nobody to report to, so the process leaves at once.
"""

import json
import os
import socket
import struct
import threading
from collections import deque

from .arena import Arena

HELLO, EVENT, CANCEL, DRAIN, RELEASE, CALLED, STATE = 1, 2, 3, 4, 5, 6, 7
READY, FAILED, REPLY, ERROR, LOG, CALL, SEND, NEW_STATE = 16, 17, 18, 19, 20, 22, 23, 24

SHARED = 1
"""Flag: the body lies in shared memory."""
INLINE_BYTES_MAX = 65536
FRAME_BYTES_MAX = 16 * 1024 * 1024
_RECEIVE_BYTES = 64 * 1024  # more, and the C library maps and unmaps memory for every single receive

_HEADER = struct.Struct("<IBBHII")
_pack = _HEADER.pack
_unpack_from = _HEADER.unpack_from


class FrameTooLarge(ValueError):
    """A reply whose headers or error text do not fit into one frame."""


def leave(status):
    """Ends the process at once, without waiting for threads of the function."""
    os._exit(status)


class Wire:
    """Both directions of the socket. ``inbox`` holds ``(kind, flags, stream, meta, body)`` tuples of bytes."""

    def __init__(self, sock, arena):
        self.arena = arena
        self.inbox = deque()
        self.reading = threading.Lock()
        self._socket = sock
        self._rest = b""
        self._lock = threading.RLock()
        self._sending = False
        self._waiting = deque()

    def fileno(self):
        return self._socket.fileno()

    def fill(self, flags=0):
        """Receives once and appends every whole frame to ``inbox``. Leaves the process at end of file."""
        try:
            data = self._socket.recv(_RECEIVE_BYTES, flags)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            leave(0)
        if self._rest:
            data = self._rest + data
        position, size = 0, len(data)
        append = self.inbox.append
        while size - position >= 16:
            length, kind, frame_flags, _, stream, meta_length = _unpack_from(data, position)
            if length > FRAME_BYTES_MAX or meta_length + 12 > length:
                leave(70)
            end = position + 4 + length
            if end > size:
                break
            meta_at = position + 16
            body_at = meta_at + meta_length
            append((kind, frame_flags, stream, data[meta_at:body_at], data[body_at:end]))
            position = end
        self._rest = data[position:] if position < size else b""

    def next(self):
        """The next frame, waiting for it."""
        while not self.inbox:
            with self.reading:
                if not self.inbox:
                    self.fill()
        return self.inbox.popleft()

    def send(self, kind, stream, meta, body=b""):
        """Sends one frame; a large body goes through shared memory. ``meta`` is JSON in bytes."""
        if len(meta) > FRAME_BYTES_MAX - INLINE_BYTES_MAX - 12:
            raise FrameTooLarge("the headers or the message of the reply exceed 16 MiB")
        with self._lock:
            flags = 0
            if len(body) > INLINE_BYTES_MAX:
                body = self.arena.store(stream, body)
                flags = SHARED
            data = _pack(12 + len(meta) + len(body), kind, flags, 0, stream, len(meta)) + meta + body
            if self._sending:
                self._waiting.append(data)
                return
            self._sending = True
            try:
                self._socket.sendall(data)
                while self._waiting:
                    self._socket.sendall(self._waiting.popleft())
            except OSError:
                leave(0)
            finally:
                self._sending = False

    def send_object(self, kind, stream, meta, body=b""):
        """Like ``send`` with ``meta`` as a dict."""
        self.send(kind, stream, json.dumps(meta).encode("ascii"), body)

    def release(self, stream):
        """The host has read what the worker stored for ``stream``."""
        with self._lock:
            self.arena.release(stream)

    def forget(self):
        """In a forked child: this socket belongs to the parent alone."""
        self._lock = threading.RLock()
        self._sending = False
        self._socket.close()


def connect():
    """The wire to the host, which programs started by the function do not inherit in turn.

    A process of the host's machine inherits its descriptors. A worker elsewhere, in a container say, is told where the socket
    and the memory files lie.
    """
    path = os.environ.get("TIDEMILL_WORKER_SOCKET")
    if path:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(path)
        memory = os.environ["TIDEMILL_WORKER_MEMORY"].split(":")
        return Wire(sock, Arena(*(os.open(file, os.O_RDWR | os.O_CLOEXEC) for file in memory)))
    os.set_inheritable(3, False)
    sock = socket.socket(fileno=3)
    sock.setblocking(True)
    return Wire(sock, Arena(4, 5))
