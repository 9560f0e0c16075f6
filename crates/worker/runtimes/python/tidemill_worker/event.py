"""The event of an EVENT frame, decoded only as far as the handler looks."""

import datetime
import json
from urllib.parse import parse_qsl

import nuclio_sdk
from nuclio_sdk.event import MEMBERS, Headers

from .payload import is_json


def _body(event):
    raw = event.raw
    if b"json" in event.meta_bytes and raw and is_json(event.meta.get("content_type")):
        try:
            return json.loads(raw)
        except (ValueError, RecursionError):
            return raw
    return raw


def _timestamp(event):
    seconds = event.meta.get("time_us", 0) / 1_000_000
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).replace(tzinfo=None)


def _trigger(event):
    trigger = event.meta.get("trigger") or {}
    return nuclio_sdk.TriggerInfo(trigger.get("kind", ""), trigger.get("name", ""))


def _url(event):
    query = event.meta.get("query")
    path = event.meta.get("path") or "/"
    return f"{path}?{query}" if query else path


def _member(name, default=None):
    return lambda event: event.meta.get(name, default)


_DECODE = {
    "meta": lambda event: json.loads(event.meta_bytes) if event.meta_bytes else {},
    "body": _body,
    "headers": lambda event: Headers(event.meta.get("headers") or {}),
    "fields": lambda event: dict(parse_qsl(event.meta.get("query", ""), keep_blank_values=True)),
    "timestamp": _timestamp,
    "trigger": _trigger,
    "url": _url,
    "path": lambda event: event.meta.get("path") or "/",
    "size": lambda event: len(event.raw),
    "shard_id": _member("shard_id"),
    "num_shards": _member("num_shards"),
    "type_version": _member("type_version", ""),
    "version": _member("version", ""),
    "offset": _member("offset"),
    "topic": _member("topic"),
    "id": _member("id", ""),
    "method": _member("method", ""),
    "content_type": _member("content_type", ""),
    "type": _member("type", ""),
    "source": _member("source", ""),
    "subject": _member("subject", ""),
    "key": _member("key", ""),
    "caller": _member("caller", ""),
    "attempt": _member("attempt", 1),
    "deadline_ms": _member("deadline_ms"),
}
assert set(MEMBERS) - {"last_in_batch"} <= set(_DECODE)


class IncomingEvent(nuclio_sdk.Event):
    """An event whose members are decoded on first use and then kept. ``raw`` is the body's bytes."""

    def __init__(self, meta_bytes, raw, last_in_batch=False):
        self.meta_bytes = meta_bytes
        self.raw = raw
        self.last_in_batch = last_in_batch

    def __getattr__(self, name):
        decode = _DECODE.get(name)
        if decode is None:
            raise AttributeError(f"'Event' object has no attribute '{name}'")
        value = self.__dict__[name] = decode(self)
        return value

    def get_header(self, header_name):
        return self.headers.get(header_name)


def split_batch(meta, body):
    """The events of a batch frame whose meta is already decoded."""
    events, start = [], 0
    batch = meta["batch"]
    for index, member in enumerate(batch):
        end = start + member.get("size", 0)
        event = IncomingEvent(b"json", body[start:end], index == len(batch) - 1)
        event.meta = member
        events.append(event)
        start = end
    return events
