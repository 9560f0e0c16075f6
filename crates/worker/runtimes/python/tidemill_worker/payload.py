"""The typed payload that plain functions receive.

| Content type | Payload |
|---|---|
| (empty body) | ``None`` |
| ``application/json``, ``…+json`` | the JSON value; anything else in the body is the caller's error (400) |
| ``text/*`` | ``str`` |
| ``application/x-www-form-urlencoded`` | JSON if it parses as such, else a dict of the fields (a list where a field repeats) |
| none or another | JSON if it parses as such, else ``str`` if it is UTF-8, else ``bytes`` |
"""

import json
from urllib.parse import parse_qsl

from .failure import InvalidPayload

_JSON_STARTS = frozenset(b'{["-0123456789tfn \t\r\n')


def media_type(content_type):
    """The content type without parameters, in lower case."""
    return (content_type or "").partition(";")[0].strip().lower()


def is_json(content_type):
    """Whether the content type is exactly ``application/json``, parameters aside."""
    return content_type == "application/json" or media_type(content_type) == "application/json"


def decode_payload(body, content_type):
    """The payload of ``body``. Raises ``InvalidPayload``."""
    if not body:
        return None
    kind = media_type(content_type)
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise InvalidPayload(f"the content type is {kind} but the body is not JSON: {error}") from None
    if kind.startswith("text/"):
        return body.decode("utf-8", "replace")
    if body[0] in _JSON_STARTS:
        try:
            return json.loads(body, parse_constant=_refuse)
        except (ValueError, RecursionError):
            pass
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return bytes(body)
    return _fields(text) if kind == "application/x-www-form-urlencoded" else text


def _refuse(name):
    raise ValueError(name)


def _fields(text):
    fields = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields
