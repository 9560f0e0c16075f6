"""The event a handler receives, and the request it makes with ``call_function``."""

import base64
import datetime
import json

from .context import TriggerInfo


class Headers(dict):
    """Headers by lower-case name; looking one up ignores case."""

    __slots__ = ()

    def __init__(self, items=()):
        super().__init__()
        self.update(items)

    def __setitem__(self, name, value):
        super().__setitem__(_lower(name), value)

    def __getitem__(self, name):
        return super().__getitem__(_lower(name))

    def __delitem__(self, name):
        super().__delitem__(_lower(name))

    def __contains__(self, name):
        return super().__contains__(_lower(name))

    def get(self, name, default=None):
        return super().get(_lower(name), default)

    def pop(self, name, *default):
        return super().pop(_lower(name), *default)

    def setdefault(self, name, default=None):
        return super().setdefault(_lower(name), default)

    def update(self, *items, **more):
        for name, value in dict(*items, **more).items():
            self[name] = value


def _lower(name):
    return name.lower() if isinstance(name, str) else name


class Event:
    """One event. All members may be missing except ``path``, which is then ``/``."""

    def __init__(
        self,
        body=None,
        content_type=None,
        trigger=None,
        fields=None,
        headers=None,
        _id=None,
        method=None,
        path=None,
        size=None,
        timestamp=None,
        url=None,
        shard_id=None,
        num_shards=None,
        _type=None,
        type_version=None,
        version=None,
        last_in_batch=False,
        offset=None,
        topic=None,
    ):
        self.body = body
        self.content_type = content_type
        self.trigger = trigger or TriggerInfo(kind="", name="")
        self.fields = fields or {}
        self.headers = headers if isinstance(headers, Headers) else Headers(headers or {})
        self.id = _id
        self.method = method
        self.path = path or "/"
        self.size = size
        self.timestamp = timestamp or 0
        self.url = url
        self.shard_id = shard_id
        self.num_shards = num_shards
        self.type = _type
        self.type_version = type_version
        self.version = version
        self.last_in_batch = last_in_batch
        self.offset = offset
        self.topic = topic

    def get_header(self, header_name):
        """The value of a header whatever its case, or None."""
        for name, value in self.headers.items():
            if name.lower() == header_name.lower():
                return value
        return None

    def to_json(self):
        """The event as JSON text; a body of bytes is base64."""
        members = {name: getattr(self, name) for name in MEMBERS}
        members["trigger"] = {"kind": self.trigger.kind, "name": self.trigger.name}
        if isinstance(self.body, (bytes, bytearray)):
            members["body"] = base64.b64encode(self.body).decode("ascii")
        return json.dumps(members, default=str)

    def compile_explicit_ack_message(self):
        """What is acknowledged when this event is acknowledged explicitly."""
        return {"topic": self.topic or self.path, "partition": self.shard_id, "offset": self.offset}

    @classmethod
    def deserialize(cls, data, kind="msgpack"):
        """An event from a map (the kinds ``json`` with text, or anything with a map already decoded)."""
        return cls.from_json(data) if isinstance(data, (str, bytes)) else cls._from_map(data)

    @classmethod
    def from_json(cls, data):
        """An event from JSON text whose body is base64 or an object."""
        members = json.loads(data)
        body = members.get("body")
        if isinstance(body, str):
            members["body"] = base64.b64decode(body)
        return cls._from_map(members)

    @classmethod
    def from_msgpack(cls, data):
        """An event from a map that was decoded from msgpack."""
        return cls._from_map(data)

    @classmethod
    def _from_map(cls, members):
        trigger = members.get("trigger") or {}
        timestamp = members.get("timestamp")
        if isinstance(timestamp, (int, float)):
            timestamp = _naive_utc(timestamp)
        body = members.get("body")
        content_type = members.get("content_type") or members.get("content-type")
        if isinstance(body, bytes) and content_type == "application/json":
            try:
                body = json.loads(body)
            except ValueError:
                pass
        return cls(
            body=body,
            content_type=content_type,
            trigger=TriggerInfo(kind=trigger.get("kind", ""), name=trigger.get("name", "")),
            timestamp=timestamp,
            _id=members.get("id"),
            _type=members.get("type"),
            **{name: members.get(name) for name in _PLAIN_MEMBERS},
        )


_PLAIN_MEMBERS = (
    "fields headers method path size url shard_id num_shards type_version version last_in_batch offset topic"
).split()
MEMBERS = _PLAIN_MEMBERS + ["body", "content_type", "trigger", "timestamp", "id", "type"]


def _naive_utc(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None)
