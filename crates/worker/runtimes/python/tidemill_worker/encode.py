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


def _refuse(value):
    raise TypeError(f"a value of type {type(value).__name__}")


def _encoder(default):
    return json.JSONEncoder(ensure_ascii=False, allow_nan=False, default=default, separators=(",", ":")).encode


_EXACT = _encoder(_refuse)
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


def encode_exactly(value, what):
    """``value``, called ``what`` in errors, as UTF-8 JSON that reads back as the same value, tuples aside."""
    try:
        text = _EXACT(value)
        if json.loads(text) != value:
            _check_keys(value)
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(json.loads(text)).encode("ascii")
    except TypeError as error:
        raise TypeError(f"{what} holds {_said(error)}, which JSON cannot express") from None
    except RecursionError:
        raise ValueError(f"{what} is nested too deep for JSON") from None
    except ValueError as error:
        if "ircular" in str(error):
            raise ValueError(f"{what} refers to itself, which JSON cannot express") from None
        raise ValueError(f"{what} holds NaN or an infinity, which JSON cannot express") from None


def _said(error):
    text = str(error)
    return "a key that is no text" if text.startswith("keys must be") else text


def _check_keys(value):
    """JSON has text keys only: any other would come back as text."""
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"the key {key!r} of type {type(key).__name__}")
            _check_keys(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_keys(item)


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
