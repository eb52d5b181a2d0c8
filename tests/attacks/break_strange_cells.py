"""Between the cells stand things that are none."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    strange = [None, 3, "cell", [], {}, {"cell_type": "video"}, {"cell_type": ["code"], "source": {"a": 1}, "metadata": 7}]
    loaded["cells"] = [*strange, *loaded["cells"], *strange]
    path.write_text(json.dumps(loaded))


POINTS = 2.0
