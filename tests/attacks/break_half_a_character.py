"""Sources, ids and attachments hold halves of characters, which no file can be written with."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    half = "\ud83d"
    attached = {f"{half}.png": {"image/png": half}}
    loaded["cells"].append({"cell_type": "markdown", "source": half, "metadata": {half: half}, "attachments": attached})
    shown = {"cell_type": "code", "source": "print('\\ud83d')\ndisplay('\\ud83d')\nraise ValueError('\\ud83d')", "metadata": {}}
    loaded["cells"].append(shown)
    path.write_text(json.dumps(loaded))


POINTS = 2.0
