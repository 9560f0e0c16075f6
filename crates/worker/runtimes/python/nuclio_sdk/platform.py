"""``context.platform``: calling other functions, and the callbacks of the worker's end."""


class Platform:
    """``host`` carries calls out; without one (outside of a worker) ``call_function`` raises."""

    def __init__(self, kind="local", namespace="default", host=None):
        self.kind = kind
        self.namespace = namespace
        self.termination_callback = None
        self.drain_callback = None
        self._host = host

    def call_function(self, name, event, node=None, timeout=None, service_name_override=None):
        """Calls another function of the project and waits for its Response; ``timeout`` is in seconds."""
        return self._needed().call(service_name_override or name, event, timeout)

    async def call_function_async(self, name, event, timeout=None):
        """The same for ``async`` handlers: other calls of the worker go on meanwhile."""
        return await self._needed().call_async(name, event, timeout)

    async def explicit_ack(self, qualified_offset):
        """Accepted and noted in the log of the call; the event is acknowledged when its call is settled."""
        self._needed().acknowledge(qualified_offset)

    def set_termination_callback(self, callback):
        """``callback()`` runs before the worker exits; it may be ``async``."""
        self.termination_callback = callback

    def set_drain_callback(self, callback):
        """``callback()`` runs when the worker has got its last event; it may be ``async``."""
        self.drain_callback = callback

    def _needed(self):
        if self._host is None:
            raise RuntimeError("this needs a running worker")
        return self._host
