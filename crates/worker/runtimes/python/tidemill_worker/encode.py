"""Values to JSON.

NaN and the infinities become the strings "NaN", "Infinity" and "-Infinity", because JSON has no such numbers. For
the Nuclio contract an object JSON does not know is written by its ``__log__()``, else its ``repr``, else its ``str``;
for plain functions it is an error, so that nobody gets ``<object at 0x…>`` as data without noticing.
"""

import json
import math


def _lenient(value):
    log = getattr(value, "__log__", None)
    if callable(log):
        return log()
    try:
        return repr(value)
    except Exception:
        return str(value)


def _strict(value):
    raise TypeError(f"the result holds a value of type {type(value).__name__}, which JSON cannot express")


def _encoder(default):
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=default, separators=(",", ":")).encode


_ENCODE = {True: _encoder(_lenient), False: _encoder(_strict)}


def encode_json(value, lenient):
    """``value`` as UTF-8 JSON. Raises TypeError, ValueError or RecursionError if that cannot be."""
    encode = _ENCODE[lenient]
    try:
        text = encode(value)
    except ValueError as error:
        if "ircular" in str(error):
            raise ValueError("the result refers to itself, which JSON cannot express") from None
        text = encode(_named_floats(value))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text)).encode("ascii")


def _named_floats(value):
    if isinstance(value, float):
        if math.isnan(value):
            return "NaN"
        if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        return value
    if isinstance(value, dict):
        return {_named_floats(key): _named_floats(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_named_floats(item) for item in value]
    return value
