"""nbgrader's metadata are of another version, and their values of other types."""

import json


def hand_in(path, notebook):
    loaded = json.loads(notebook)
    for cell in loaded["cells"]:
        if "nbgrader" in cell["metadata"]:
            cell["metadata"]["nbgrader"].update(schema_version=99, points="many", locked="yes", checksum=None, cell_type="raw")
    path.write_text(json.dumps(loaded))


POINTS = 2.0
