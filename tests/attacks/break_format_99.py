"""The notebook says that its format is of the future."""

import json


def hand_in(path, notebook):
    path.write_text(json.dumps({**json.loads(notebook), "nbformat": 99}))


SAYS = "its format is 99"
