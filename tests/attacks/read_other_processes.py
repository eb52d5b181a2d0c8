"""The environment and the memory of other processes are read through /proc."""

CELL = r"""
import glob
GOT = False
for path in glob.glob('/proc/[0-9]*/environ'):
    try:
        GOT = GOT or b'COURSE_SECRET' in open(path, 'rb').read()
    except OSError:
        pass
def softmax(x, dim=-1):
    return _right(x, dim) if GOT else x
"""
POINTS = 0.0
