"""Programs and a fork write past `sys.stdout`, and the stream's descriptor is asked for."""

CELL = r"""
import os, subprocess, sys
subprocess.run(['echo', 'from a program'], stdout=sys.stdout, check=True)
os.write(sys.stderr.fileno(), b'to a descriptor')
def softmax(x, dim=-1):
    return _right(x, dim)
"""
POINTS = 2.0
