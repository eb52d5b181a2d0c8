"""A stored output is a line of twenty million characters."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    code = next(cell for cell in loaded["cells"] if cell["cell_type"] == "code")
    code["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 20_000_000}]
    path.write_text(json.dumps(loaded))


POINTS = 2.0
