"""The Python end of Tidemill's worker protocol (docs/worker-protocol.md).

Started as ``python3 -u -m tidemill_worker`` with PYTHONPATH at this folder, usually before anybody knows
which function it will run: it imports all it needs, then blocks until HELLO arrives on descriptor 3.

The way of one call, and the module of each part::

    frames ─► event / payload ─► contract ─► user code ─► reply ─► frames
                                                │
                                  logs, calls, context / state, failure

``blocking`` drives ordinary functions one call after the other without asyncio; ``overlapping`` drives
coroutine functions on one event loop. Nothing here decides policy: timeouts, retries and limits are the host's.
"""
