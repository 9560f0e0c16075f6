"""Serves a coroutine function: many calls at once on one event loop, one task a call.

The loop watches the socket; whatever has arrived is parsed at once. CANCEL cancels the task of its call. DRAIN waits for
the open calls.
"""

import asyncio
import json
import socket
import sys
import threading
from time import perf_counter_ns

from .failure import error_meta
from .frames import CALLED, CANCEL, DRAIN, ERROR, EVENT, NEW_STATE, RELEASE, REPLY, SHARED, STATE
from .logs import CURRENT, Call
from .reply import reply

_EAGER = {"eager_start": True} if sys.version_info >= (3, 12) else None


class Overlapping:
    """The open calls of one worker."""

    def __init__(self, wire, contract, contexts, logs, calls, loop):
        self._wire = wire
        self._contract = contract
        self._contexts = contexts
        self._logs = logs
        self._calls = calls
        self._loop = loop
        self._open = {}
        self._draining = False
        self._done = loop.create_future()

    def serve(self):
        """Handles frames until DRAIN and the end of the open calls."""
        self._calls.loop, self._calls.loop_thread = self._loop, threading.get_ident()
        self._loop.add_reader(self._wire.fileno(), self._readable)
        while not self._done.done():
            try:
                self._loop.run_until_complete(self._done)
            except (SystemExit, KeyboardInterrupt) as error:
                # raised by a task of the function's own making: it ends that task only
                self._logs.emit("error", f"a task of the function ended with {type(error).__name__}")
        self._loop.remove_reader(self._wire.fileno())
        self._calls.loop = None

    def _readable(self):
        wire = self._wire
        if not wire.reading.acquire(blocking=False):
            return
        try:
            wire.fill(socket.MSG_DONTWAIT)
        finally:
            wire.reading.release()
        inbox = wire.inbox
        while inbox:
            self._take(inbox.popleft())

    def _take(self, frame):
        kind, flags, stream, meta, body = frame
        if kind == EVENT:
            call = Call(stream, meta)
            self._open[stream] = call
            self._note_running()
            coroutine = self._run(call, flags, meta, body)
            if _EAGER:
                call.task = asyncio.Task(coroutine, loop=self._loop, **_EAGER)
            else:
                call.task = self._loop.create_task(coroutine)
        elif kind == STATE:
            self._contexts.stored(frame)
        elif kind == RELEASE:
            self._wire.release(stream)
            self._contexts.forget(stream)
        elif kind == CALLED:
            self._calls.called(frame)
        elif kind == CANCEL:
            call = self._open.get(stream)
            if call is not None and call.task is not None:
                # not before its first step: a task cancelled earlier would never run and never answer
                self._loop.call_soon(call.task.cancel)
        elif kind == DRAIN:
            self._draining = True
            self._finish_if_drained()

    async def _run(self, call, flags, meta, body):
        CURRENT.set(call)
        stream = call.stream
        started = 0
        try:
            if flags & SHARED:
                body = self._wire.arena.load(body)
            context = self._contexts.of(call)
            arguments, keywords, events = self._contract.prepare(meta, body, context)
            started = perf_counter_ns()
            value = await self._contract.function(*arguments, **keywords)
            user_us = (perf_counter_ns() - started) // 1000
            kind, (meta, body) = REPLY, reply(self._contract.kind, value, events, user_us)
            state = call.state.changed() if call.state is not None else None
            if state is not None:
                self._wire.send(NEW_STATE, stream, b"", state)
        except BaseException as error:  # noqa: B902 - nothing the function raises ends the worker
            spent = (perf_counter_ns() - started) // 1000 if started else 0
            kind, meta, body = ERROR, json.dumps(error_meta(error, spent)).encode("ascii"), b""
        self._logs.end(call)
        try:
            self._wire.send(kind, stream, meta, body)
        except Exception as error:
            self._wire.send_object(ERROR, stream, error_meta(error, 0))
        del self._open[stream]
        self._note_running()
        self._calls.end(stream)
        self._finish_if_drained()

    def _note_running(self):
        """Output without a context, from a thread say, belongs to the call that is open if there is but one."""
        self._logs.running = next(iter(self._open.values())) if len(self._open) == 1 else None

    def _finish_if_drained(self):
        if self._draining and not self._open and not self._done.done():
            self._done.set_result(None)
