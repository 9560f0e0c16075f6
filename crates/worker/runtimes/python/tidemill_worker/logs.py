"""Everything the function says becomes LOG frames of the call that said it.

Caught are ``print`` and other writes to ``sys.stdout`` (info) and ``sys.stderr`` (warn), the ``logging`` module, and
``context.logger``. What is written to the descriptors 1 and 2 directly goes through the host's pipes by itself.

Which call: the one in the context variable of the running task, else (ordinary functions, threads) the one call
that is open. Output of a call that has ended, or of nobody, goes to stream 0. Lines are sent when they end, so a
function that hangs or is killed has shown all it wrote; the last, unfinished line is sent when the call ends. What is
kept of an unfinished line is bounded.
"""

import contextvars
import io
import json
import logging
import sys
import threading
import time

from .failure import TEXT_BYTES_MAX, cut
from .frames import LOG

CURRENT = contextvars.ContextVar("tidemill_call", default=None)


class Call:
    """One open call: its stream, the meta of its event, what it has begun to write and, for a function with state, its state."""

    __slots__ = ("stream", "meta", "ended", "partials", "calls", "task", "state", "_configs")

    def __init__(self, stream, meta=b""):
        self.stream = stream
        self.meta = meta
        self.ended = False
        self.partials = None
        self.calls = 0
        self.task = None
        self.state = None
        self._configs = None

    def configs(self):
        """The configs that came with the event: decoded on first use, since few functions have any. Its own to change."""
        if self._configs is None:
            meta = json.loads(self.meta) if b'"configs"' in self.meta else {}
            self._configs = meta.get("configs") or {}
        return self._configs


class _Partial:
    """The beginning of a line; text beyond the limit is only counted."""

    __slots__ = ("text", "dropped")

    def __init__(self):
        self.text = ""
        self.dropped = 0

    def add(self, text):
        room = TEXT_BYTES_MAX - len(self.text)
        if len(text) > room:
            self.dropped += len(text[room:].encode("utf-8", "replace"))
            text = text[:room]
        self.text += text

    def take(self):
        text = self.text
        if self.dropped:
            data = text.encode("utf-8", "replace")
            kept = data[: TEXT_BYTES_MAX - 48].decode("utf-8", "ignore")
            gone = len(data) - len(kept.encode("utf-8")) + self.dropped
            text = f"{kept}… [cut, {gone} bytes]"
        self.text, self.dropped = "", 0
        return text


class Logs:
    """Sends LOG frames. ``running`` is the call that output without a context belongs to."""

    def __init__(self, wire):
        self._wire = wire
        self._lock = threading.RLock()
        self._nobody = Call(0)
        self.running = None

    def call(self):
        """The call that the present code belongs to; a stand-in with stream 0 if there is none."""
        call = CURRENT.get() or self.running
        return self._nobody if call is None or call.ended else call

    def emit(self, level, message, fields=None, call=None):
        """Sends one record."""
        record = {"level": level, "message": cut(message), "time_us": time.time_ns() // 1000}
        if fields:
            record["fields"] = fields
        try:
            meta = json.dumps(record, default=repr)
        except (TypeError, ValueError, RecursionError):
            meta = json.dumps({**record, "fields": {"unreadable": "true"}})
        if fields and len(meta) > 3 * TEXT_BYTES_MAX:
            meta = json.dumps({**record, "fields": {"cut": f"{len(meta)} bytes"}})
        self._wire.send(LOG, (call or self.call()).stream, meta.encode("utf-8", "replace"))

    def write(self, level, text):
        """Takes a piece of a text stream: whole lines are sent, the rest waits."""
        with self._lock:
            call = self.call()
            if call.partials is None:
                call.partials = {}
            key = (level, threading.get_ident())  # threads that print at once do not mix their lines
            partial = call.partials.get(key)
            if partial is None:
                partial = call.partials[key] = _Partial()
            start = 0
            while True:
                end = text.find("\n", start)
                if end < 0:
                    break
                partial.add(text[start:end])
                self.emit(level, partial.take(), None, call)
                start = end + 1
            if start < len(text):
                partial.add(text[start:] if start else text)

    def end(self, call):
        """Sends the unfinished lines of ``call`` and closes it for further output."""
        with self._lock:
            if call.partials:
                for (level, _), partial in call.partials.items():
                    if partial.text:
                        self.emit(level, partial.take(), None, call)
            call.ended = True

    def end_of_load(self):
        """Sends unfinished lines that were written outside of any call."""
        nobody, self._nobody = self._nobody, Call(0)
        self.end(nobody)


class _Bytes(io.RawIOBase):
    """``sys.stdout.buffer``."""

    def __init__(self, stream):
        self._stream = stream

    def writable(self):
        return True

    def fileno(self):
        return self._stream.fileno()

    def write(self, data):
        data = bytes(data)
        self._stream.write(data.decode("utf-8", "replace"))
        return len(data)


class LogStream(io.TextIOBase):
    """Stands for ``sys.stdout`` and ``sys.stderr``."""

    encoding = "utf-8"
    errors = "replace"
    newlines = None

    def __init__(self, logs, level, descriptor):
        self._logs = logs
        self._level = level
        self._descriptor = descriptor
        self.buffer = _Bytes(self)

    def writable(self):
        return True

    def fileno(self):
        return self._descriptor

    def reconfigure(self, **_options):
        """Accepted and without effect: the encoding is always UTF-8."""

    def close(self):
        """Without effect: the function's output outlives a careless close."""

    def write(self, text):
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        self._logs.write(self._level, text)
        return len(text)


def level_of(number):
    """The protocol's level of a ``logging`` level number."""
    if number >= logging.ERROR:
        return "error"
    if number >= logging.WARNING:
        return "warn"
    if number >= logging.INFO:
        return "info"
    return "debug"


class LogHandler(logging.Handler):
    """The root handler of the ``logging`` module."""

    def __init__(self, logs):
        super().__init__()
        self._logs = logs

    def emit(self, record):
        try:
            fields = None if record.name == "root" else {"logger": record.name}
            self._logs.emit(level_of(record.levelno), self.format(record), fields)
        except Exception:
            self.handleError(record)


def install(logs):
    """Puts the streams and the root handler in place."""
    sys.stdout = LogStream(logs, "info", 1)
    sys.stderr = LogStream(logs, "warn", 2)
    root = logging.getLogger()
    handler = LogHandler(logs)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.getLogger("pratai").setLevel(logging.DEBUG)
    logging.basicConfig = _basic_config(root, handler, logging.basicConfig)


def _basic_config(root, handler, original):
    """``logging.basicConfig`` does nothing once a handler exists; users who call it mean it to take effect."""

    def basicConfig(**options):  # noqa: N802 - the standard library's name
        if handler not in root.handlers or options.get("force"):
            return original(**options)
        if any(options.get(name) is not None for name in ("filename", "stream", "handlers")):
            root.removeHandler(handler)
            return original(**options)
        if options.get("level") is not None:
            root.setLevel(options["level"])
        if options.get("format") is not None:
            style = options.get("style", "%")
            handler.setFormatter(logging.Formatter(options["format"], options.get("datefmt"), style))
        return None

    basicConfig.__doc__ = original.__doc__
    return basicConfig


def restore_in_child():
    """After a fork the child's output goes straight to the pipes."""
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, LogHandler):
            logging.getLogger().removeHandler(handler)
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
