"""Metadata, outputs and sources are of other types than they should be."""

import itertools
import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    strange = itertools.cycle([None, 7, "text", [1], True, {"nbgrader": 3}, {"nbgrader": {"grade_id": [1]}}])
    for value in itertools.islice(strange, 21):
        cell = {"cell_type": "code", "source": value, "metadata": value, "outputs": value, "execution_count": value}
        loaded["cells"].append({**cell, "attachments": value})
    for cell, value in zip(loaded["cells"], strange, strict=False):
        cell["outputs"] = value
        if isinstance(cell["metadata"], dict):
            cell["metadata"]["tags"] = value
    path.write_text(json.dumps({**loaded, "metadata": ["none"]}))


POINTS = 2.0
