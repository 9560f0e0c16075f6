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
    """Shared by all calls of one worker."""

    def __init__(self, logger=None, platform=None, worker_id=None, trigger=None, trigger_name=None):
        from .response import Response

        self.logger = logger
        self.platform = platform
        self.worker_id = worker_id
        self.trigger = trigger or TriggerInfo(kind="", name=trigger_name or "")
        self.trigger_name = self.trigger.name
        self.user_data = UserData()
        self.Response = Response
