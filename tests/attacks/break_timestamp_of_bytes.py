"""The time of the submission is no text."""


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "timestamp.txt").write_bytes(b"\xff\xfe\x00" * 100)


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
