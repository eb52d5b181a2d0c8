"""A cell has null characters in its source, and another is no Python."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    for source in ("x = 1\0", "\0", "def (:\n\0", "%%\0", "\x1b[2J\x07\u202e"):
        loaded["cells"].append({"cell_type": "code", "source": source, "metadata": {}, "outputs": []})
    path.write_text(json.dumps(loaded))


POINTS = 2.0
