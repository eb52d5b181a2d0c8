"""The learner's name has a line of its own for the report."""

STUDENT = "a\nzz-sound: not graded: gone"


def hand_in(path, notebook):
    path.write_bytes(notebook)


SAYS = "cannot stand in a line of text: rename it"
