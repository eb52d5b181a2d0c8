"""The judge's end of the line to an answer's process, which waits for no message without end.

At the other end is a learner's code, which may send half a message or take none, and others may hold that end when the process
has gone. The messages have the form of `multiprocessing`, whose own end waits as long as it takes.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from multiprocessing.connection import Connection

MOST_SECONDS = 15  # of wall clock, for a message that is under way
_HEAD, _LARGE = struct.Struct("!i"), struct.Struct("!Q")
_ALL_AT_ONCE = 2**20


class Stuck(OSError):
    """A message did not come or go as a whole."""


class Line:
    """A `Connection` of `multiprocessing.Pipe`, of which it takes possession."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        # Windows' pipes have whole messages alone.
        self._socket = None if sys.platform == "win32" else socket.socket(fileno=os.dup(pipe.fileno()))
        if self._socket is not None:
            self._incoming = select.poll()
            self._incoming.register(self._socket, select.POLLIN)

    def poll(self, seconds: float) -> bool:
        """Whether a message, or a part of one, is there within `seconds`, or the other end is closed."""
        if self._socket is None:
            return self.pipe.poll(seconds)
        return bool(self._incoming.poll(1000 * seconds))

    def send(self, message: bytes) -> None:
        """Sends a message. Raises `Stuck` where the other end does not take it, `OSError` where it is closed."""
        if self._socket is None:
            return self.pipe.send_bytes(message)
        end = time.monotonic() + MOST_SECONDS
        left = memoryview(_HEAD.pack(len(message)) + message)
        while left:
            try:
                left = left[self._socket.send(left, socket.MSG_DONTWAIT) :]
            except BlockingIOError:
                self._wait(select.POLLOUT, end)
        return None

    def receive(self, most_bytes: int) -> bytes:
        """The next message. Raises `Stuck` where it does not come as a whole, `EOFError` or `OSError` where there is none."""
        if self._socket is None:
            return self.pipe.recv_bytes(most_bytes)
        end = time.monotonic() + MOST_SECONDS
        (count,) = _HEAD.unpack(self._take(_HEAD.size, end))
        if count == -1:
            (count,) = _LARGE.unpack(self._take(_LARGE.size, end))
        if not 0 <= count <= most_bytes:
            raise OSError(f"a message of {count:,} bytes")
        return self._take(count, end)

    def _take(self, count: int, end: float) -> bytes:
        assert self._socket is not None
        taken = bytearray()
        while len(taken) < count:
            try:
                data = self._socket.recv(min(count - len(taken), _ALL_AT_ONCE), socket.MSG_DONTWAIT)
            except BlockingIOError:
                data = b""
                self._wait(select.POLLIN, end)
            else:
                if not data:
                    raise EOFError
            taken += data
        return bytes(taken)

    def _wait(self, event: int, end: float) -> None:
        assert self._socket is not None
        poll, left = select.poll(), end - time.monotonic()
        poll.register(self._socket, event)
        if left <= 0 or not poll.poll(1000 * left):
            raise Stuck("half a message")

    def close(self) -> None:
        """Closes this end."""
        if self._socket is not None:
            self._socket.close()
        self.pipe.close()
