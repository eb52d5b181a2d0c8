"""The time of the submission is a pipe, from which nothing ever comes."""

import os


def hand_in(path, notebook):
    path.write_bytes(notebook)
    os.mkfifo(path.parent / "timestamp.txt")


SAYS = "timestamp.txt, which says when it was handed in, holds no time"
