"""A cell is a line of twenty million characters."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    loaded["cells"][-1]["source"] = "x" * 20_000_000
    path.write_text(json.dumps(loaded))


SAYS = "20,000,000 characters"
