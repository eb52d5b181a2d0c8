"""Half of a message goes to the judge, and no more."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import os, stat, struct, time
for number in range(3, 64):
    try:
        if stat.S_ISSOCK(os.fstat(number).st_mode):
            os.write(number, struct.pack('!i', 1000) + b'half')
    except OSError:
        pass
time.sleep(600)
"""
POINTS = 0.0
SAYS = "connection"
