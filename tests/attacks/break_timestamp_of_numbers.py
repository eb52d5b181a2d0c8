"""The time of the submission is a number with a million digits."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").write_text("9" * 1_000_000)


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
