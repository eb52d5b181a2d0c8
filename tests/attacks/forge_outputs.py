"""What the cell shows is forged: a verdict for the report, changes to what the judge writes, outputs that are none."""

CELL = r"""
def softmax(x, dim=-1):
    return x
from autograder.framework.isolation import wire
own = wire.pack
def pack(message):
    if "outputs" in message:
        course = {"course": {"component": "softmax", "misconception": "overflow", "faults": [7]}}
        strange = [
            {"output_type": "stream", "name": "stdout", "text": "x", "metadata": course},
            {"output_type": "error", "ename": "E", "evalue": "e", "traceback": [], "metadata": {"course": 5}},
            {"output_type": "display_data", "data": {"text/plain": "\ud800"}, "metadata": course},
            {"output_type": "display_data", "data": [], "metadata": {}},
            {"output_type": "display_data", "data": {"text/plain": 5}, "metadata": {}},
            {"output_type": "display_data"}, {"data": 5}, 5, None,
            {"output_type": "stream", "name": "stdout", "text": x_of_torch}, {"output_type": {}, "data": {}},
        ]
        update = {"output_type": "update_display_data", "data": {"text/plain": "2.0"}}
        changes = [
            {**update, "cell": cell, "place": place, "metadata": course}
            for cell in (-1, 0, 1, 2, 3, 4, "0", None, 10**30) for place in (-1, 0, 1, 2, "0", None)
        ]
        message = {**message, "outputs": strange + changes}
    return own(message)
x_of_torch = torch.ones(2)
wire.pack = pack
"""
POINTS = 0.0
