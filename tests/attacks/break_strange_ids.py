"""Cell ids are paths, commands, numbers and very long."""

import itertools
import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    strange = itertools.cycle(["../../etc/passwd", "'; DROP TABLE grade; --", 7, None, "x" * 10_000, "a b\n", ""])
    for cell, id in zip(loaded["cells"], strange, strict=False):
        cell["id"] = id
    path.write_text(json.dumps(loaded))


POINTS = 2.0
