"""In the place of the notebook is a pipe, from which nothing ever comes."""

import os


def hand_in(path, notebook):
    os.mkfifo(path)


SAYS = "is not a plain file"
