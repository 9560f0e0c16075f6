"""``context.logger``: records with fields."""

import sys


def _to_stderr(level, message, fields):
    more = "".join(f" {name}={value!r}" for name, value in fields.items())
    print(f"{level} {message}{more}", file=sys.stderr)


class Logger:
    """Writes records to ``sink(level, message, fields)``; outside of a worker, to standard error."""

    def __init__(self, sink=None, fields=None):
        self._sink = sink or _to_stderr
        self._fields = fields or {}

    def bind(self, **fields):
        """Adds fields to every later record of this logger, and returns it."""
        self._fields = {**self._fields, **fields}
        return self

    def debug(self, message, *args):
        self._log("debug", message, args)

    def info(self, message, *args):
        self._log("info", message, args)

    def warn(self, message, *args):
        self._log("warn", message, args)

    def error(self, message, *args):
        self._log("error", message, args)

    warning = warn

    def debug_with(self, message, *args, **fields):
        self._log("debug", message, args, fields)

    def info_with(self, message, *args, **fields):
        self._log("info", message, args, fields)

    def warn_with(self, message, *args, **fields):
        self._log("warn", message, args, fields)

    def error_with(self, message, *args, **fields):
        self._log("error", message, args, fields)

    warning_with = warn_with

    def _log(self, level, message, args, fields=None):
        text = str(message)
        if args:
            try:
                text = text % args
            except (TypeError, ValueError):
                text = " ".join([text, *map(str, args)])
        self._sink(level, text, {**self._fields, **fields} if fields else self._fields)
