"""The durable state of one call: decoded on first use, and handed back when its JSON has changed."""

import json

from .encode import encode_exactly

WHAT = "context.state"


class State:
    """``stored`` is the JSON text that the call begins with, empty when there is none."""

    __slots__ = ("_stored", "_value", "_is_used")

    def __init__(self, stored):
        self._stored = stored
        self._value = None
        self._is_used = False

    def get(self):
        """The value; an empty object when none is stored. Whoever gets it may change it in place."""
        if not self._is_used:
            self._value = json.loads(self._stored) if self._stored else {}
            self._is_used = True
        return self._value

    def set(self, value):
        """Puts ``value`` in its place."""
        self._value = value
        self._is_used = True

    def changed(self):
        """The new JSON text, or None when it is the same. Raises TypeError or ValueError when the value is no JSON."""
        if not self._is_used:
            return None
        text = encode_exactly(self._value, WHAT)
        before = self._stored or b"{}"
        if text == before:
            return None
        return None if text == _respelled(before) else text


def _respelled(text):
    """The JSON text as this worker writes it: others may have written the same value in other words."""
    try:
        return encode_exactly(json.loads(text), WHAT)
    except (ValueError, RecursionError):
        return None  # a number of thousands of digits, say: nothing that a value of Python could equal
