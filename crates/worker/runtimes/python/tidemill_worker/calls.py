"""``context.platform``: CALL frames out, CALLED frames in.

An ordinary function waits for its answer by reading frames itself; others that come meanwhile stay in the inbox in
their order. Threads take turns at reading. On an event loop the loop reads and completes a future.
"""

import concurrent.futures
import json
import select
import threading
import time
from collections import deque

from nuclio_sdk import Response
from nuclio_sdk.event import Headers

from .encode import encode_json
from .frames import CALL, CALLED, SHARED
from .payload import is_json


class CallFailed(RuntimeError):
    """The called function could not be reached or did not answer."""

    __module__ = "builtins"


class Calls:
    """The platform's host. ``loop`` is set while an event loop serves the socket."""

    def __init__(self, wire, logs):
        self._wire = wire
        self._logs = logs
        self._lock = threading.Lock()
        self._answers = {}
        self._waiting = {}
        self.loop = None
        self.loop_thread = None

    def acknowledge(self, qualified_offset):
        self._logs.emit("debug", "explicit acknowledgement", qualified_offset.compile_explicit_ack_message())

    def call(self, name, event, timeout=None):
        """Calls function ``name`` and waits for its Response."""
        key = self._begin(name, event)
        if self.loop is not None and threading.get_ident() != self.loop_thread:
            future = concurrent.futures.Future()
            self.loop.call_soon_threadsafe(self._expect, key, future)
            try:
                return _response(*future.result(timeout))
            except concurrent.futures.TimeoutError:
                raise TimeoutError(f"function {name} did not answer within {timeout} s") from None
        return _response(*self._wait(key, name, timeout))

    async def call_async(self, name, event, timeout=None):
        """Calls function ``name``; other calls of the worker go on."""
        if self.loop is None:
            return self.call(name, event, timeout)
        import asyncio

        future = concurrent.futures.Future()
        self._expect(self._begin(name, event), future)
        answer = await asyncio.wait_for(asyncio.wrap_future(future), timeout)
        return _response(*answer)

    def called(self, frame):
        """Takes a CALLED frame."""
        _, flags, stream, meta, body = frame
        if flags & SHARED:
            body = self._wire.arena.load(body)
        meta = json.loads(meta)
        key = (stream, meta.get("call", 0))
        with self._lock:
            future = self._waiting.pop(key, None)
            if future is None:
                self._answers[key] = (meta, body)
        if future is not None and not future.done():
            future.set_result((meta, body))

    def end(self, stream):
        """Forgets answers that came too late for the call that asked."""
        if self._answers or self._waiting:
            with self._lock:
                for table in (self._answers, self._waiting):
                    for key in [key for key in table if key[0] == stream]:
                        del table[key]

    def _begin(self, name, event):
        call = self._logs.call()
        if call.stream == 0:
            raise CallFailed("a function can be called only while an event is being handled")
        with self._lock:
            call.calls += 1
            number = call.calls
        body, content_type = _body(event)
        meta = {
            "call": number,
            "function": name,
            "method": event.method or ("POST" if body else "GET"),
            "path": event.path or "/",
            "headers": {
                str(key): str(value) for key, value in (event.headers or {}).items() if key.lower() != "content-length"
            },
            "content_type": content_type,
        }
        self._wire.send_object(CALL, call.stream, meta, body)
        return call.stream, number

    def _expect(self, key, future):
        with self._lock:
            answer = self._answers.pop(key, None)
            if answer is None:
                self._waiting[key] = future
        if answer is not None:
            future.set_result(answer)

    def _wait(self, key, name, timeout):
        wire = self._wire
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            with self._lock:
                if key in self._answers:
                    return self._answers.pop(key)
            if until is not None and time.monotonic() > until:
                raise TimeoutError(f"function {name} did not answer within {timeout} s")
            with wire.reading:
                if key not in self._answers:
                    self._read(until)

    def _read(self, until):
        wire = self._wire
        if until is not None and not _readable(wire, max(0.0, until - time.monotonic())):
            return
        known = len(wire.inbox)
        wire.fill()
        arrived = deque()
        while len(wire.inbox) > known:
            arrived.appendleft(wire.inbox.pop())
        for frame in arrived:
            if frame[0] == CALLED:
                self.called(frame)
            else:
                wire.inbox.append(frame)


def _readable(wire, seconds):
    poll = select.poll()
    poll.register(wire.fileno(), select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _body(event):
    body, content_type = event.body, event.content_type
    if body is None:
        return b"", content_type or ""
    if isinstance(body, str):
        return body.encode(), content_type or "text/plain"
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), content_type or ""
    return encode_json(body, True), content_type or "application/json"


def _response(meta, body):
    if "error" in meta:
        raise CallFailed(meta["error"])
    content_type = meta.get("content_type", "text/plain")
    if body and is_json(content_type):
        try:
            body = json.loads(body)
        except ValueError:
            pass
    return Response(
        headers=Headers(meta.get("headers") or {}),
        body=body,
        content_type=content_type,
        status_code=meta.get("status", 200),
    )
