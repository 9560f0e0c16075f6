"""What a function returned, as the REPLY frame's meta and body.

Each contract has its table (``nuclio``, ``plain``) from a value to ``(status, headers, content type, body)``. The
common replies, status 200 without headers, use meta texts made once.
"""

import inspect
import json

from nuclio_sdk import Response

from .contract import NUCLIO
from .encode import encode_json

TEXT = "text/plain"
TEXT_UTF8 = "text/plain; charset=utf-8"
JSON = "application/json"
BYTES = "application/octet-stream"
STATUS_MIN, STATUS_MAX = 200, 599

_META = {
    TEXT: b'{"user_us":%d}',
    TEXT_UTF8: b'{"content_type":"text/plain; charset=utf-8","user_us":%d}',
    JSON: b'{"content_type":"application/json","user_us":%d}',
    BYTES: b'{"content_type":"application/octet-stream","user_us":%d}',
}


def reply(kind, value, events, user_us):
    """``(meta, body)`` of the REPLY frame. Raises if ``value`` cannot be a response."""
    table = nuclio if kind == NUCLIO else plain
    if events is not None:
        return _batch(table, value, events, user_us)
    status, headers, content_type, body = table(value)
    if status == 200 and not headers:
        template = _META.get(content_type)
        if template is not None:
            return template % user_us, body
    meta = {"status": status, "content_type": content_type, "user_us": user_us}
    if headers:
        meta["headers"] = headers
    return json.dumps(meta).encode("ascii"), body


def nuclio(value):
    """Nuclio's table."""
    kind = type(value)
    if kind is str:
        return 200, None, TEXT, value.encode()
    if kind is bytes:
        return 200, None, TEXT, value
    if kind is dict or kind is list:
        return 200, None, JSON, encode_json(value, True)
    if isinstance(value, Response):
        return _response(value, True)
    if kind is tuple and len(value) == 2 and type(value[0]) is int:
        status, body = value
        if isinstance(body, Response):
            status, headers, content_type, body = _response(body, True)
            return _status(value[0]), headers, content_type, body
        if isinstance(body, str):
            return _status(status), None, TEXT, body.encode()
        if isinstance(body, (bytes, bytearray, memoryview)):
            return _status(status), None, TEXT, bytes(body)
        return _status(status), None, JSON, encode_json(body, True)
    if isinstance(value, (dict, list)):
        return 200, None, JSON, encode_json(value, True)
    if isinstance(value, (bytearray, memoryview)):
        return 200, None, TEXT, bytes(value)
    _refuse_stream(value)
    return 200, None, TEXT, str(value).encode()


def plain(value):
    """The table of payload functions."""
    if isinstance(value, str):
        return 200, None, TEXT_UTF8, value.encode()
    if isinstance(value, (bytes, bytearray, memoryview)):
        return 200, None, BYTES, bytes(value)
    if isinstance(value, Response):
        return _response(value, False)
    _refuse_stream(value)
    return 200, None, JSON, encode_json(value, False)


def _response(response, lenient):
    headers, content_type = _headers(response.headers)
    if content_type is None or response.content_type not in (None, TEXT):
        content_type = response.content_type or TEXT
    body = response.body
    if isinstance(body, str):
        body = body.encode()
    elif body is None:
        body = b""
    elif isinstance(body, (bytes, bytearray, memoryview)):
        body = bytes(body)
    else:
        body = encode_json(body, lenient)
        if content_type == TEXT:
            content_type = JSON
    if not isinstance(content_type, str):
        raise TypeError(f"content_type is text, not {type(content_type).__name__}")
    return _status(response.status_code), headers, content_type, body


def _headers(headers):
    """The headers as text, and the content type if it was among them."""
    if not headers:
        return None, None
    result, content_type = {}, None
    for name, value in dict(headers).items():
        if value is None:
            continue
        name = str(name)
        if name.lower() == "content-type":
            content_type = _header(value)
        elif isinstance(value, (list, tuple)):
            result[name] = [_header(item) for item in value]  # a line each, as Set-Cookie needs
        else:
            result[name] = _header(value)
    return result, content_type


def _header(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)


def _status(status):
    if isinstance(status, int) and STATUS_MIN <= status <= STATUS_MAX:
        return int(status)
    raise ValueError(f"a status is a whole number from {STATUS_MIN} to {STATUS_MAX}, not {status!r}")


def _refuse_stream(value):
    if inspect.isgenerator(value) or inspect.isasyncgen(value):
        raise TypeError("the function returned a generator; return the whole response")


def _batch(table, value, events, user_us):
    """Responses find their events by ``event_id``, those without one by their place in the list."""
    values = [""] * len(events) if value is None else value
    if not isinstance(values, (list, tuple)):
        raise TypeError(f"a batch is answered with a list of responses, not {type(value).__name__}")
    by_id, by_place = {}, []
    for item in values:
        event_id = getattr(item, "event_id", None)
        if event_id is None:
            by_place.append(item)
        else:
            by_id[event_id] = item
    if by_place and len(by_place) + len(by_id) != len(events):
        raise ValueError(f"the batch has {len(events)} events and the function returned {len(values)} responses")
    places = iter(by_place)
    members, bodies = [], []
    for event in events:
        if event.id in by_id:
            response = table(by_id[event.id])
        else:
            item = next(places, None)
            response = _UNANSWERED if item is None and not by_place else table(item)
        status, headers, content_type, body = response
        member = {"event_id": event.id, "status": status, "content_type": content_type, "size": len(body)}
        if headers:
            member["headers"] = headers
        members.append(member)
        bodies.append(body)
    return json.dumps({"batch": members, "user_us": user_us}).encode("ascii"), b"".join(bodies)


_UNANSWERED = (500, None, TEXT, b"the function returned no response for this event")
