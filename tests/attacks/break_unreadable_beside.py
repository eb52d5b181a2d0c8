"""Nobody may read a file beside the notebook, nor look into a folder."""

import os


def hand_in(path, notebook):
    path.write_bytes(notebook)
    (path.parent / "closed.txt").write_text("closed")
    (path.parent / "closed.txt").chmod(0)
    (path.parent / "shut").mkdir(mode=0)


POINTS = 2.0
BESIDE = ("closed.txt",) if os.geteuid() == 0 else ()
