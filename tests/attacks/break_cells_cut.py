"""Every cell but the answer is gone."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    loaded["cells"] = [cell for cell in loaded["cells"] if cell["metadata"].get("nbgrader", {}).get("grade_id") == "softmax"]
    path.write_text(json.dumps(loaded))


POINTS = 2.0
