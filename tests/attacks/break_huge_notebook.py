"""The notebook says that it has a hundred gigabytes."""

import os


def hand_in(path, notebook):
    path.write_bytes(notebook)
    os.truncate(path, 100 * 2**30)


SAYS = "too large"
