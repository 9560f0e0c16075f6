"""How a function wants to be called, read from its signature.

| Contract | Recognised by | Called with |
|---|---|---|
| ``nuclio`` | two positional parameters of a function called ``handler``, or named like ``context, event`` | context, event |
| ``pratai`` | a function called ``main`` with one parameter | the payload; ``{"payload": x}`` is unwrapped to ``x`` |
| ``plain`` | anything else | the payload, spread over several parameters if there are several |

A parameter of a plain function that is called ``context`` gets the context beside the payload.
"""

import functools
import inspect
import json

from .event import IncomingEvent, split_batch
from .payload import decode_payload

NUCLIO, PRATAI, PLAIN = "nuclio", "pratai", "plain"
_CONTEXT_NAMES = frozenset(["context", "ctx", "_context", "_ctx", "_"])
_EVENT_NAMES = frozenset(["event", "_event"])
_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


class Contract:
    """A function with the way to call it.

    ``prepare(meta, body, context)`` gives ``(arguments, keyword arguments, events)``; ``events`` is None but for a batch.
    """

    def __init__(self, function, name):
        self.function = function
        self.is_async = _is_async(function)
        parameters = _parameters(function)
        self.kind = _kind(name, parameters)
        if self.kind == NUCLIO:
            self.prepare = self._prepare_nuclio
            return
        self._unwrap = name == "main"
        self._wants_context = False
        for parameter in parameters or ():
            if parameter.name == "context" and parameter.kind is not inspect.Parameter.POSITIONAL_ONLY:
                if parameter.kind not in (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD):
                    self._wants_context = True
        rest = [p for p in parameters or () if not (self._wants_context and p.name == "context")]
        positional = [p for p in rest if p.kind in _POSITIONAL]
        several = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in rest)
        named = [p for p in rest if p.kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)]
        if parameters is None:
            self._spread = self._one
        elif not rest:
            self._spread = self._none
        elif len(positional) == 1 and not several and not any(p.default is p.empty for p in named if p.kind is p.KEYWORD_ONLY):
            self._spread = self._one
        else:
            self._spread = self._many
        self._optional = len(positional) == 1 and positional[0].default is not inspect.Parameter.empty
        self.prepare = self._prepare_plain

    def _prepare_nuclio(self, meta, body, context):
        if meta.startswith(b'{"batch"'):
            events = split_batch(json.loads(meta), body)
            return (context, events), {}, events
        return (context, IncomingEvent(meta, body)), {}, None

    def _prepare_plain(self, meta, body, context):
        decoded = json.loads(meta) if meta else {}
        beside = {"context": context} if self._wants_context else {}
        if "batch" in decoded:
            events = split_batch(decoded, body)
            payloads = [self._payload(event.raw, event.content_type) for event in events]
            return (payloads,), beside, events
        if not body and self._optional:
            return (), beside, None
        arguments, keywords = self._spread(self._payload(body, decoded.get("content_type")), body)
        if beside:
            keywords = {**keywords, **beside}
        return arguments, keywords, None

    def _payload(self, body, content_type):
        payload = decode_payload(body, content_type)
        if self._unwrap and type(payload) is dict and len(payload) == 1 and "payload" in payload:
            return payload["payload"]
        return payload

    def _none(self, _payload, _body):
        return (), {}

    def _one(self, payload, _body):
        return (payload,), {}

    def _many(self, payload, body):
        if not body:
            return (), {}
        if isinstance(payload, dict):
            return (), payload
        if isinstance(payload, list):
            return payload, {}
        return (payload,), {}


def _parameters(function):
    try:
        return list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return None


def _kind(name, parameters):
    if parameters is None:
        return PLAIN
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    required = [parameter for parameter in positional if parameter.default is parameter.empty]
    if name == "handler" and any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters) and len(positional) < 2:
        return NUCLIO
    if len(positional) >= 2 and len(required) <= 2:
        first, second = positional[0].name, positional[1].name
        if name == "handler" or first in _CONTEXT_NAMES or second in _EVENT_NAMES:
            return NUCLIO
    return PRATAI if name == "main" and len(positional) == 1 else PLAIN


def _is_async(function):
    while isinstance(function, functools.partial):
        function = function.func
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))
