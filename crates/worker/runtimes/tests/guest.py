"""A small host for one worker: starts it with its descriptors, and exchanges frames with it.

It does just what docs/worker-protocol.md says of Tidemill's side, and it is strict: a reply in the wrong place or a
frame that is not due is a failure.
"""

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import struct
import tempfile
import time

RUNTIMES = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HELLO, EVENT, CANCEL, DRAIN, RELEASE, CALLED, STATE = 1, 2, 3, 4, 5, 6, 7
READY, FAILED, REPLY, ERROR, LOG, CALL, SEND, NEW_STATE = 16, 17, 18, 19, 20, 22, 23, 24
INLINE_BYTES_MAX = 65536
WAIT_SECONDS_MAX = 30
_HEADER = struct.Struct("<IBBHII")
_PLACE = struct.Struct("<QQ")


class Frame:
    """A frame from the worker with its body fetched."""

    def __init__(self, kind, shared, stream, meta, body):
        self.kind, self.shared, self.stream, self.meta, self.body = kind, shared, stream, meta, body

    def __repr__(self):
        return f"frame {self.kind} of stream {self.stream}: {self.meta} {self.body[:200]!r}"


def _high(descriptor):
    """A duplicate out of the way of 3, 4 and 5."""
    return fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 100)


class Guest:
    """One worker process. Use as a context manager; leaving it kills what is left of the process.

    ``elsewhere`` treats it as one in a container: it inherits no descriptor and is told where socket and memory lie.
    """

    def __init__(self, command, environment, elsewhere=False):
        self.output = tempfile.TemporaryFile()
        self._rest = b""
        self._end = 0
        self._regions = {}
        self.status = None
        self.usage = None
        environment = {**environment, "TIDEMILL_WORKER_PROTOCOL": "1", "HOST_SECRET": "the host's own"}
        if elsewhere:
            self._meet(command, environment)
            return
        self.socket, theirs = socket.socketpair()
        self.incoming = os.memfd_create("to-worker")
        self.outgoing = os.memfd_create("from-worker")
        self._spawn(command, environment, [theirs.fileno(), self.incoming, self.outgoing])
        theirs.close()

    def _meet(self, command, environment):
        with tempfile.TemporaryDirectory(prefix="tidemill-guest-") as folder:
            path = os.path.join(folder, "socket")
            memory = [os.path.join(folder, name) for name in ("to-worker", "from-worker")]
            self.incoming, self.outgoing = (os.open(file, os.O_RDWR | os.O_CREAT, 0o600) for file in memory)
            environment["TIDEMILL_WORKER_SOCKET"] = path
            environment["TIDEMILL_WORKER_MEMORY"] = ":".join(memory)
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind(path)
                listener.listen(1)
                listener.settimeout(WAIT_SECONDS_MAX)
                self._spawn(command, environment, [])
                self.socket, _ = listener.accept()
            # what follows must have opened the memory files
            self.socket.setblocking(True)
            self._wait_until_opened(memory)

    def _wait_until_opened(self, memory):
        until = time.monotonic() + WAIT_SECONDS_MAX
        while not set(memory) <= set(self._open_files()):
            assert time.monotonic() < until, f"the worker does not open its memory: {self.text()}"
            time.sleep(0.01)

    def _open_files(self):
        folder = f"/proc/{self.pid}/fd"
        for name in os.listdir(folder):
            # one may have been closed meanwhile
            with contextlib.suppress(FileNotFoundError):
                yield os.readlink(os.path.join(folder, name))

    def _spawn(self, command, environment, channel):
        null = os.open(os.devnull, os.O_RDONLY)
        high = [_high(source) for source in [null, self.output.fileno(), self.output.fileno(), *channel]]
        actions = [(os.POSIX_SPAWN_DUP2, source, target) for target, source in enumerate(high)]
        self.pid = os.posix_spawnp(command[0], command, environment, file_actions=actions)
        for descriptor in [null, *high]:
            os.close(descriptor)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            self._reap(0)
        self.socket.close()
        os.close(self.incoming)
        os.close(self.outgoing)
        self.output.close()

    def encode(self, kind, stream, meta, body=b""):
        """The bytes of a frame; a large body is put into shared memory."""
        flags = 0
        if len(body) > INLINE_BYTES_MAX:
            offset = self._end
            self._end += len(body)
            self._regions[stream] = self._regions.get(stream, 0) + 1
            os.pwrite(self.incoming, body, offset)
            body, flags = _PLACE.pack(offset, len(body)), 1
        text = json.dumps(meta).encode() if meta else b""
        return _HEADER.pack(12 + len(text) + len(body), kind, flags, 0, stream, len(text)) + text + body

    def answered(self, stream):
        """Reuses shared memory once no open call has bodies in it."""
        self._regions.pop(stream, None)
        if not self._regions:
            self._end = 0

    def send(self, kind, stream, meta, body=b""):
        self.socket.sendall(self.encode(kind, stream, meta, body))

    def receive(self):
        """The next frame; None at end of file. Raises AssertionError when none comes in time."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        while True:
            if len(self._rest) >= 16:
                length, kind, flags, reserved, stream, meta_length = _HEADER.unpack_from(self._rest)
                assert reserved == 0 and length <= 16 * 1024 * 1024 and meta_length + 12 <= length
                if len(self._rest) >= length + 4:
                    frame, self._rest = self._rest[: length + 4], self._rest[length + 4 :]
                    meta = json.loads(frame[16 : 16 + meta_length] or b"{}")
                    body = frame[16 + meta_length :]
                    if flags & 1:
                        offset, size = _PLACE.unpack(body)
                        body = os.pread(self.outgoing, size, offset)
                        assert len(body) == size, "the region lies outside of the memory file"
                    assert flags & 1 or len(body) <= INLINE_BYTES_MAX, "a large body went through the socket"
                    return Frame(kind, bool(flags & 1), stream, meta, body)
            readable, _, _ = select.select([self.socket], [], [], max(0, until - time.monotonic()))
            assert readable, f"the worker is silent; its output: {self.text()}"
            data = self.socket.recv(1 << 20)
            if not data:
                assert not self._rest, "the worker left in the middle of a frame"
                return None
            self._rest += data

    def text(self):
        """What the worker wrote to descriptors 1 and 2."""
        self.output.seek(0)
        return self.output.read().decode("utf-8", "replace")

    def wait(self):
        """The exit status."""
        until = time.monotonic() + WAIT_SECONDS_MAX
        poll = select.poll()
        descriptor = os.pidfd_open(self.pid)
        poll.register(descriptor, select.POLLIN)
        ended = poll.poll(1000 * max(0, until - time.monotonic()))
        os.close(descriptor)
        assert ended, "the worker does not exit"
        self._reap(0)
        return os.waitstatus_to_exitcode(self.status)

    def _reap(self, flags):
        _, self.status, self.usage = os.wait4(self.pid, flags)


def python_command():
    return ["python3", "-u", "-m", "tidemill_worker"], {"PYTHONPATH": os.path.join(RUNTIMES, "python")}


def nodejs_command():
    return ["node", os.path.join(RUNTIMES, "nodejs", "worker.mjs")], {}


def start(command, environment=None, elsewhere=False):
    """Starts a worker by its command line."""
    return Guest(command, {"PATH": os.environ["PATH"], **(environment or {})}, elsewhere)
