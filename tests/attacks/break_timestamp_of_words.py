"""The time of the submission is no time."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").write_text("yesterday, honestly")


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
