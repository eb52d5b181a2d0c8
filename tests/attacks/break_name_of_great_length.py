"""The learner's name is as long as a name can be."""

STUDENT = "n" * 255


def hand_in(path, notebook):
    path.write_bytes(notebook)


POINTS = 2.0
