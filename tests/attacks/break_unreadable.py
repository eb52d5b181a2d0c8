"""Nobody may read the notebook: an administrator can, and others are told."""

import os


def hand_in(path, notebook):
    path.write_bytes(notebook)
    path.chmod(0)


if os.geteuid() == 0:
    POINTS = 2.0
else:
    SAYS = "cannot be read"
