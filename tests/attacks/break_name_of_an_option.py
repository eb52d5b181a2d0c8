"""The learner's name is an option."""

STUDENT = "--force"


def hand_in(path, notebook):
    path.write_bytes(notebook)


POINTS = 2.0
