"""The learner's name is a command for a database."""

STUDENT = "a'; DROP TABLE student; --"


def hand_in(path, notebook):
    path.write_bytes(notebook)


POINTS = 2.0
