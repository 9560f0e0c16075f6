"""A worker's life: wait for HELLO, load the function, say READY, serve, drain, exit.

A spare has time: it imports what it might need while it waits. A worker whose HELLO is there already imports only what its
function needs; asyncio alone takes a quarter of its start.
"""

import atexit
import inspect
import json
import os
import select
import signal
import sys

import nuclio_sdk

from . import load, logs
from .blocking import serve
from .calls import Calls
from .context import Contexts
from .contract import Contract
from .failure import failed_meta
from .frames import DRAIN, FAILED, HELLO, READY, connect, leave

PROTOCOL = 1


class _Loop:
    """The worker's one event loop, made when something asynchronous is met."""

    def __init__(self):
        self._loop = None

    def get(self):
        if self._loop is None:
            import asyncio

            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        return self._loop

    def run(self, awaitable):
        async def wait():
            return await awaitable

        return self.get().run_until_complete(wait())


def _call_back(callback, run):
    if callback is not None:
        result = callback()
        if inspect.isawaitable(result):
            run(result)


def _contexts(hello, wire, log, calls):
    def sink(level, message, fields):
        log.emit(level, message, fields)

    trigger = hello.get("trigger") or {}
    worker = hello.get("worker", "")
    return Contexts(
        wire,
        log,
        hello.get("state", "none"),
        logger=nuclio_sdk.Logger(sink),
        platform=nuclio_sdk.Platform("local", hello.get("project", "default"), calls),
        worker_id=worker,
        trigger=nuclio_sdk.TriggerInfo(trigger.get("kind", ""), trigger.get("name", "")),
    )


def _load(hello, wire, log, calls, loop):
    load.enter(hello)
    module, function, name = load.load(hello)
    contexts = _contexts(hello, wire, log, calls)
    contract = Contract(function, name)
    init = getattr(module, "init_context", None)
    if callable(init):
        result = init(contexts.shared)
        if inspect.isawaitable(result):
            loop.run(result)
    return contract, contexts


def _after_fork(wire):
    wire.forget()
    logs.restore_in_child()


def main():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wire = connect()
    log = logs.Logs(wire)
    calls = Calls(wire, log)
    loop = _Loop()
    if not select.select([wire], [], [], 0)[0]:
        from . import overlapping  # noqa: F401 - a spare imports ahead
    kind, _, _, meta, _ = wire.next()
    if kind == DRAIN:
        leave(0)
    if kind != HELLO:
        leave(70)
    hello = json.loads(meta)
    logs.install(log)
    os.register_at_fork(after_in_child=lambda: _after_fork(wire))
    try:
        contract, contexts = _load(hello, wire, log, calls, loop)
    except BaseException as error:  # noqa: B902 - exit() while loading is a failure to load
        log.end_of_load()
        wire.send_object(FAILED, 0, failed_meta(error))
        leave(1)
    log.end_of_load()
    slots = max(1, int(hello.get("slots_max", 1))) if contract.is_async else 1
    ready = {
        "protocol": PROTOCOL,
        "runtime": "python",
        "version": "{}.{}.{}".format(*sys.version_info),
        "slots": slots,
        "contract": contract.kind,
    }
    wire.send_object(READY, 0, ready)
    if contract.is_async:
        from .overlapping import Overlapping

        Overlapping(wire, contract, contexts, log, calls, loop.get()).serve()
    else:
        serve(wire, contract, contexts, log, calls, loop.run)
    _end(contexts.shared.platform, log, loop)


def _end(host, log, loop):
    for callback in (host.drain_callback, host.termination_callback):
        try:
            _call_back(callback, loop.run)
        except BaseException as error:  # noqa: B902 - the worker ends in any case
            log.emit("error", f"a callback at the worker's end failed: {error!r}")
    log.end_of_load()
    try:
        atexit._run_exitfuncs()
    finally:
        leave(0)


if __name__ == "__main__":
    sys.exit(main())
