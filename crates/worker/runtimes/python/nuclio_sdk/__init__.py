"""The names that functions written for Nuclio import: ``import nuclio_sdk``.

An implementation of that interface on Tidemill's own worker. Outside of a worker (in a unit test, say) the classes
work as well; only what needs a host raises.
"""

from .context import Context, TriggerInfo
from .event import Event
from .logger import Logger
from .platform import Platform
from .qualified_offset import QualifiedOffset
from .response import Response

__all__ = ["Context", "Event", "Logger", "Platform", "QualifiedOffset", "Response", "TriggerInfo", "logger"]
