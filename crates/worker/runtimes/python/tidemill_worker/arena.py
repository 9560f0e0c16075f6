"""Shared memory: reading the host's file (descriptor 4), dividing and writing our own (descriptor 5).

Regions of our own are handed out first-fit from a sorted list of holes, page by page, and taken back by stream. When
all of it is free and the file has grown large, it is cut, so one huge reply does not hold memory for ever.
"""

import os
import struct

_PLACE = struct.Struct("<QQ")
_PAGE_BYTES = 4096
KEPT_BYTES_MAX = 8 * 1024 * 1024
"""What an idle worker keeps of its memory file."""


class Arena:
    """Both memory files. Not safe for threads by itself: the wire's lock guards it."""

    def __init__(self, incoming, outgoing):
        self._incoming = incoming
        self._outgoing = outgoing
        self._holes = []  # (offset, size), sorted, never touching each other
        self._end = 0
        self._taken = {}  # stream -> [(offset, size), …]
        for descriptor in (incoming, outgoing):
            os.set_inheritable(descriptor, False)

    def load(self, place):
        """The bytes a frame's 16-byte place points at in descriptor 4."""
        offset, size = _PLACE.unpack(place)
        data = os.pread(self._incoming, size, offset)
        if len(data) == size:
            return data
        parts = [data]
        done = len(data)
        while done < size:
            data = os.pread(self._incoming, size - done, offset + done)
            if not data:
                raise OSError("the shared memory is shorter than the frame says")
            parts.append(data)
            done += len(data)
        return b"".join(parts)

    def store(self, stream, data):
        """Writes ``data`` for ``stream`` into descriptor 5; returns its place."""
        size = -(-len(data) // _PAGE_BYTES) * _PAGE_BYTES
        offset = self._take(size)
        self._taken.setdefault(stream, []).append((offset, size))
        view = memoryview(data)
        done = 0
        while done < len(view):
            done += os.pwrite(self._outgoing, view[done:], offset + done)
        return _PLACE.pack(offset, len(data))

    def release(self, stream):
        """Takes back every region of ``stream``."""
        for offset, size in self._taken.pop(stream, ()):
            self._give_back(offset, size)

    def _take(self, size):
        for index, (offset, free) in enumerate(self._holes):
            if free > size:
                self._holes[index] = (offset + size, free - size)
                return offset
            if free == size:
                del self._holes[index]
                return offset
        offset = self._end
        self._end += size
        return offset

    def _give_back(self, offset, size):
        self._holes.append((offset, size))
        self._holes.sort()
        merged = []
        for start, length in self._holes:
            if merged and merged[-1][0] + merged[-1][1] == start:
                merged[-1] = (merged[-1][0], merged[-1][1] + length)
            else:
                merged.append((start, length))
        if merged[-1][0] + merged[-1][1] == self._end:
            start, length = merged.pop()
            self._end = start
            if start == 0 and length > KEPT_BYTES_MAX:
                os.ftruncate(self._outgoing, KEPT_BYTES_MAX)
        self._holes = merged
