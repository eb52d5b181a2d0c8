"""The time of the submission is past the last that a computer knows."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").write_text("9999-12-31 23:59:59 -9999999999")


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
