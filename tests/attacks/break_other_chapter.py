"""The notebook is another chapter's, under this one's name."""

from utils.manifest import load


def hand_in(path, notebook):
    path.write_bytes(load().released_notebook("05_transformer_architecture").read_bytes())


POINTS = 0.0
