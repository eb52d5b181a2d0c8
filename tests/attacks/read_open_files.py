"""Files that the process inherited are looked for."""

CELL = r"""
import os
GOT = False
for name in os.listdir('/proc/self/fd'):
    try:
        target = os.readlink('/proc/self/fd/' + name)
    except OSError:
        continue
    GOT = GOT or ('/' in target and not target.startswith(('/dev/null', '/proc', 'socket:', 'pipe:', 'anon_inode:', '/answer')))
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0
