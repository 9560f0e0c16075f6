"""What the corner tests of both languages share: a function in a folder of its own, and calls to it."""

import os
import tempfile
import textwrap

from guest import (
    CALL, CALLED, DRAIN, ERROR, EVENT, HELLO, LOG, NEW_STATE, READY, RELEASE, REPLY, SEND, STATE, start,
)  # fmt: skip


class Worker:
    """A worker that has loaded a function from ``files`` (name to source). ``hello`` overrides members of HELLO.

    For a function with state (``state="function"``) it keeps the state between calls, as JSON text.
    """

    def __init__(self, command, files, elsewhere=False, **hello):
        self._folder = tempfile.TemporaryDirectory(prefix="tidemill-corner-")
        for name, source in files.items():
            path = os.path.join(self._folder.name, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(textwrap.dedent(source))
        self.guest = start(*command, elsewhere=elsewhere)
        self.has_state = hello.get("state", "none") != "none"
        self.durable = b""
        self.sends = []
        self.logs = []
        self.stream = 0
        self.answer = lambda meta, body: ({"content_type": "text/plain"}, body)
        self.guest.send(
            HELLO,
            0,
            {
                "protocol": 1,
                "function": "corner",
                "project": "default",
                "worker": "w-1",
                "directory": self._folder.name,
                "env": {"PATH": os.environ["PATH"]},
                "slots_max": 8,
                **hello,
            },
        )
        self.loaded = self.next()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.guest.__exit__(*failure)
        self._folder.cleanup()

    def next(self):
        """The next frame that is no log, call, message or state; calls are answered by ``answer``, the rest is noted."""
        while True:
            frame = self.guest.receive()
            if frame is None:
                return None
            if frame.kind == LOG:
                self.logs.append((frame.stream, frame.meta["level"], frame.meta["message"]))
            elif frame.kind == CALL:
                meta, body = self.answer(frame.meta, frame.body)
                self.guest.send(CALLED, frame.stream, {"call": frame.meta["call"], **meta}, body)
            elif frame.kind == SEND:
                self.sends.append((frame.stream, frame.meta, frame.body))
            elif frame.kind == NEW_STATE:
                self.durable = frame.body
            else:
                return frame

    def send(self, body=b"", content_type="text/plain", **meta):
        """Sends an event; returns its stream."""
        self.stream += 1
        if self.has_state:
            self.guest.send(STATE, self.stream, {}, self.durable)
        self.guest.send(EVENT, self.stream, {"id": str(self.stream), "content_type": content_type, **meta}, body)
        return self.stream

    def result(self, body=b"", content_type="text/plain", **meta):
        """Sends an event and waits for its answer, which is checked to be a REPLY; returns the frame."""
        frame = self.outcome(body, content_type, **meta)
        assert frame.kind == REPLY, frame
        return frame

    def error(self, body=b"", content_type="text/plain", **meta):
        """Sends an event and waits for its answer, which is checked to be an ERROR; returns its meta."""
        frame = self.outcome(body, content_type, **meta)
        assert frame.kind == ERROR, frame
        return frame.meta

    def outcome(self, body, content_type, **meta):
        assert self.loaded is not None and self.loaded.kind == READY, self.loaded or self.guest.text()
        stream = self.send(body, content_type, **meta)
        frame = self.next()
        assert frame is not None and frame.stream == stream, frame or self.guest.text()
        self.guest.answered(stream)
        if frame.shared:
            self.guest.send(RELEASE, stream, {})
        return frame

    def drain(self):
        """The exit status after DRAIN."""
        self.guest.send(DRAIN, 0, {})
        while self.next() is not None:
            pass
        return self.guest.wait()
