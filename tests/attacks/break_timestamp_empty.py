"""The time of the submission is empty."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").write_text("")


POINTS = 2.0
