"""Messages of the learner's own are written into the line to the judge."""

CELL = r"""
def softmax(x, dim=-1):
    return x
import json, os, struct
body = json.dumps({'happened': None, 'points': 2.0, 'passed': True}).encode()
for number in range(3, 32):
    try:
        message = struct.pack('<Q', len(body)) + body
        os.write(number, struct.pack('!i', len(message)) + message)
    except OSError:
        pass
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone
