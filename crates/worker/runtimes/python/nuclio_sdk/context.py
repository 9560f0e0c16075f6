"""What a handler knows about the worker it runs in."""


class TriggerInfo:
    """The trigger an event came through."""

    __slots__ = ("kind", "name")

    def __init__(self, kind="", name=""):
        self.kind = kind
        self.name = name


class UserData:
    """A free bag of attributes that lives as long as the worker."""


class Context:
    """What a handler gets beside the event. ``logger``, ``platform`` and ``user_data`` are shared by all calls of one worker."""

    def __init__(self, logger=None, platform=None, worker_id=None, trigger=None, trigger_name=None):
        from .response import Response

        self.logger = logger
        self.platform = platform
        self.worker_id = worker_id
        self.trigger = trigger or TriggerInfo(kind="", name=trigger_name or "")
        self.trigger_name = self.trigger.name
        self.user_data = UserData()
        self.Response = Response
        self._state = {}
        self._configs = {}

    @property
    def state(self):
        """The durable state of the function, a JSON value; ``{}`` when none is stored yet.

        Assign to it or change it in place: when the handler returns and the JSON has changed, it is stored together with the end of
        the execution. Only for functions with ``spec.state``. Outside of a worker it is a plain value of this object.
        """
        return self._state

    @state.setter
    def state(self, value):
        self._state = value

    @property
    def configs(self):
        """The configs and secrets that apply to the function now: a mapping from name to text, empty when there are none.

        They come with each event, so what was changed holds from the next one on. Outside of a worker it is a plain value of this
        object.
        """
        return self._configs

    @configs.setter
    def configs(self, value):
        self._configs = value

    def send(self, function, body=None, key=None, content_type=None, headers=None, delay=0):
        """Sends a message to ``function`` of the same project.

        It leaves when this execution ends well, together with that; an exception drops it. ``body`` is text, bytes or a JSON
        value. ``key`` names the line it stands in at a function with keys, ``delay`` is in seconds.
        """
        raise RuntimeError("this needs a running worker")
