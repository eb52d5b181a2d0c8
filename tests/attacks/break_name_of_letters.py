"""The learner's name is in letters of other scripts, one of which can be written in two ways."""

STUDENT = "Zoé 王小明 🙂 e\u0301"


def hand_in(path, notebook):
    path.write_bytes(notebook)


POINTS = 2.0
