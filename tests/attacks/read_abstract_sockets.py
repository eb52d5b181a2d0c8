"""A socket without a file, which another answer could have opened, is asked."""

CELL = r"""
import socket
try:
    line = socket.socket(socket.AF_UNIX)
    line.connect('\0@SOCKET@')
    GOT = True
except OSError:
    GOT = False
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0
