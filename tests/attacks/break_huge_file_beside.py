"""A file beside the notebook says that it has a hundred gigabytes."""

import os


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "huge.bin").touch()
    os.truncate(path.parent / "huge.bin", 100 * 2**30)


POINTS = 2.0
BESIDE = ()
