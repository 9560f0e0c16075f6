"""The contexts of calls: what all calls share, with the state and the messages of one.

Every call of a function with state, and of an asynchronous one, gets a context of its own, so that what the call started,
threads and tasks, cannot touch the state of another. All contexts of a worker have the same attributes: what
``init_context`` puts there every call sees, and what a call puts there the next one.
"""

import datetime
import math

import nuclio_sdk

from .encode import encode_exactly
from .frames import SEND, SHARED
from .state import State

NO_STATE = "this function has no state: set spec.state to function or key (context.state)"


class WorkerContext(nuclio_sdk.Context):
    """The context that all calls share. State, configs and messages belong to the call that runs."""

    @property
    def state(self):
        return self._open_call("context.state").state.get()

    @state.setter
    def state(self, value):
        self._open_call("context.state").state.set(value)

    @property
    def configs(self):
        own = self.__dict__.get("configs")
        return self._open_call("context.configs").configs() if own is None else own

    @configs.setter
    def configs(self, value):
        # a function may use the name for something of its own
        self.__dict__["configs"] = value

    def send(self, function, body=None, key=None, content_type=None, headers=None, delay=0):
        call = self._open_call("context.send")
        self._contexts.send(call, function, body, key, content_type, headers, delay)

    def _call_of(self):
        return self._contexts.logs.call()

    def _open_call(self, what):
        if what == "context.state" and not self._contexts.has_state:
            raise RuntimeError(NO_STATE)
        call = self._call_of()
        if call.stream == 0 or call.ended:
            raise RuntimeError(f"{what} can be used only while an event is being handled")
        return call


class CallContext(WorkerContext):
    """The context of one call."""

    __slots__ = ("_call",)

    def _call_of(self):
        return self._call


class Contexts:
    """Makes them. ``shared`` is the one that ``init_context`` gets."""

    def __init__(self, wire, logs, scope, **members):
        self.logs = logs
        self.has_state = scope != "none"
        self.shared = WorkerContext(**members)
        self.shared._contexts = self
        self._wire = wire
        self._stored = {}

    def stored(self, frame):
        """Takes a STATE frame: the state that the next event of its stream begins with."""
        _, flags, stream, _, body = frame
        self._stored[stream] = self._wire.arena.load(body) if flags & SHARED else body

    def forget(self, stream):
        """The stream is over, whether or not its event came."""
        self._stored.pop(stream, None)

    def of(self, call):
        """The context for ``call``."""
        context = CallContext.__new__(CallContext)
        context.__dict__ = self.shared.__dict__
        context._call = call
        if self.has_state:
            call.state = State(self._stored.pop(call.stream, b""))
        return context

    def send(self, call, function, body, key, content_type, headers, delay):
        """Sends a SEND frame."""
        if not isinstance(function, str) or not function:
            raise TypeError(f"context.send takes the name of a function, not {function!r}")
        if key is not None and not isinstance(key, str):
            raise TypeError(f"the key of a message is text, not {type(key).__name__}")
        body, usual_type = _body(body)
        meta = {"function": function, "content_type": usual_type if content_type is None else str(content_type)}
        if key is not None:
            meta["key"] = key
        if headers:
            meta["headers"] = {str(name): str(value) for name, value in dict(headers).items()}
        if delay:
            meta["delay_ms"] = _milliseconds(delay)
        self._wire.send_object(SEND, call.stream, meta, body)


def _body(body):
    """The bytes of a message and their usual media type."""
    if body is None:
        return b"", ""
    if isinstance(body, str):
        return body.encode(), "text/plain"
    if isinstance(body, (bytes, bytearray, memoryview)):
        return bytes(body), "application/octet-stream"
    return encode_exactly(body, "the body of the message"), "application/json"


def _milliseconds(delay):
    seconds = delay.total_seconds() if isinstance(delay, datetime.timedelta) else delay
    if isinstance(seconds, (int, float)) and math.isfinite(seconds) and seconds >= 0:
        return round(seconds * 1000)
    raise ValueError(f"the delay of a message is a number of seconds, 0 or more, not {delay!r}")
