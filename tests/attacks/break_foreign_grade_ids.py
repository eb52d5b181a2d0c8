"""Cells of its own claim points, under ids that the course does not have."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    for id in ("extra-points", "'; DROP TABLE grade; --", "../../x", "x" * 10_000):
        claim = {"grade": True, "points": 100, "solution": False, "grade_id": id, "schema_version": 3, "cell_type": "code"}
        loaded["cells"].append({"cell_type": "code", "source": "100", "metadata": {"nbgrader": claim}, "outputs": []})
    path.write_text(json.dumps(loaded))


POINTS = 2.0
