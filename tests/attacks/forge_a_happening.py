"""The judge is told of a happening that does not exist, so that its checks break and give their points away."""

CELL = r"""
def softmax(x, dim=-1):
    return x
from autograder.framework.isolation import wire
own = wire.pack
def pack(message):
    if "seen" in message:
        message = {**message, "happened": {"what": 7}}
    if "replies" in message:
        message = {**message, "replies": [{**reply, "happened": {"what": 7}} for reply in message["replies"]]}
    return own(message)
wire.pack = pack
"""
POINTS = 0.0
REST = False  # what comes after in the same process may be lost, at the cost of the learner alone
