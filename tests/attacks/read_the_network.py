"""A server on the same machine is asked."""

CELL = r"""
import socket
try:
    GOT = bool(socket.create_connection(('127.0.0.1', @PORT@), timeout=2))
except OSError:
    GOT = False
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0
