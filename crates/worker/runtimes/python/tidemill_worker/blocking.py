"""Serves an ordinary function: one call after the other, in the order the events come, on one thread."""

import json
from time import perf_counter_ns

from .failure import error_meta
from .frames import CALLED, DRAIN, ERROR, EVENT, NEW_STATE, RELEASE, REPLY, SHARED, STATE
from .logs import Call
from .reply import reply


def serve(wire, contract, contexts, logs, calls, run):
    """Handles frames until DRAIN. ``run`` completes an awaitable that an ordinary function returned."""
    kind_of = contract.kind
    prepare = contract.prepare
    function = contract.function
    send = wire.send
    next_frame = wire.next
    # without state nothing tells the calls apart: there is one at a time
    context = contexts.shared
    has_state = contexts.has_state
    while True:
        kind, flags, stream, meta, body = frame = next_frame()
        if kind != EVENT:
            if kind == STATE:
                contexts.stored(frame)
            elif kind == RELEASE:
                wire.release(stream)
                contexts.forget(stream)
            elif kind == CALLED:
                calls.called(frame)
            elif kind == DRAIN:
                return
            continue
        call = logs.running = Call(stream, meta)
        started = ended = 0
        try:
            if flags & SHARED:
                body = wire.arena.load(body)
            if has_state:
                context = contexts.of(call)
            arguments, keywords, events = prepare(meta, body, context)
            body = meta = frame = None
            started = perf_counter_ns()
            value = function(*arguments, **keywords)
            ended = perf_counter_ns()
            if hasattr(value, "__await__"):
                value = run(value)
                ended = perf_counter_ns()
            meta, body = reply(kind_of, value, events, (ended - started) // 1000)
            if has_state:
                state = call.state.changed()
                if state is not None:
                    send(NEW_STATE, stream, b"", state)
                    state = None
            if call.partials is not None:
                logs.end(call)
            call.ended = True
            send(REPLY, stream, meta, body)
        except BaseException as error:  # noqa: B902 - SystemExit and KeyboardInterrupt end the call, not the worker
            spent = ((ended or perf_counter_ns()) - started) // 1000 if started else 0
            meta = json.dumps(error_meta(error, spent)).encode("ascii")
            logs.end(call)
            send(ERROR, stream, meta)
        logs.running = None
        if call.calls:
            calls.end(stream)
        arguments = keywords = events = value = body = None
