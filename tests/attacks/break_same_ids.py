"""All cells have one id."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    for cell in loaded["cells"]:
        cell["id"] = "same"
    path.write_text(json.dumps(loaded))


POINTS = 2.0
