"""The notebook's format is a word."""

import json


def hand_in(path, notebook):
    path.write_text(json.dumps({**json.loads(notebook), "nbformat": "four", "nbformat_minor": [5]}))


SAYS = "its format is 'four'"
