"""The learner's name is no text in any encoding."""

import os

STUDENT = os.fsdecode(b"caf\xe9")


def hand_in(path, notebook):
    path.write_bytes(notebook)


SAYS = "cannot stand in a line of text: rename it"
