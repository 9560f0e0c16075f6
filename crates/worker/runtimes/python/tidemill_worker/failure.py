"""Exceptions as the host wants them: a type, a message, and the traceback of the user's own frames."""

import os
import traceback

TEXT_BYTES_MAX = 65536
_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_HIDDEN = (_OWN, "<frozen importlib", "<frozen runpy")


class InvalidPayload(ValueError):
    """The event's body is not what its content type says; the caller's fault, hence status 400."""

    __module__ = "builtins"  # shown without a module, like the language's own
    status = 400


def cut(text, bytes_max=TEXT_BYTES_MAX):
    """``text``, cut with a marker if its UTF-8 form is longer than ``bytes_max``."""
    if len(text) * 4 <= bytes_max:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= bytes_max:
        return text
    kept = data[: bytes_max - 48].decode("utf-8", "ignore")
    return f"{kept}… [cut, {len(data) - len(kept.encode('utf-8'))} bytes]"


def describe(error):
    """``(type, message)`` of an exception, for people."""
    name = type(error).__name__
    if isinstance(error, SystemExit):
        return name, f"the function called exit({'' if error.code is None else error.code!r})"
    try:
        message = str(error)
    except Exception:
        message = "(the exception has no readable message)"
    if isinstance(error, MemoryError):
        return name, f"the function ran out of memory{': ' if message else ''}{message}"
    return name, cut(message)


def explain(error):
    """The traceback as text, without the frames of this package and of the import machinery."""
    try:
        summary = traceback.TracebackException.from_exception(error)
        _prune(summary, set())
        return cut("".join(summary.format()))
    except Exception:
        return "".join(traceback.format_exception_only(type(error), error))


def _prune(summary, seen):
    if summary is None or id(summary) in seen:
        return
    seen.add(id(summary))
    frames = [frame for frame in summary.stack if not frame.filename.startswith(_HIDDEN)]
    summary.stack[:] = frames
    _prune(summary.__cause__, seen)
    _prune(summary.__context__, seen)
    for part in getattr(summary, "exceptions", None) or ():
        _prune(part, seen)


def error_meta(error, user_us):
    """The meta of an ERROR frame."""
    name, message = describe(error)
    return {
        "type": name,
        "message": message,
        "traceback": explain(error),
        "status": error.status if isinstance(error, InvalidPayload) else 500,
        "user_us": user_us,
    }


def failed_meta(error):
    """The meta of a FAILED frame."""
    name, message = describe(error)
    return {"type": name, "message": message, "traceback": explain(error)}
