"""The time of the submission is a folder."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").mkdir()


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
