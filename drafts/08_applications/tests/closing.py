"""The cells of chapter 08 that use real weights, run by their ids."""

from utils.manifest import load

SCRIPTS = ("08_applications.py", "closing_cells.py")
SET_UP = """
from functools import cache, partial
import torch
from torch import nn
from utils import library, my, session, training
from utils.chapters.applications import hub, minilm, sections, smollm2, stored, weights
create_look_ahead_mask = my.create_look_ahead_mask
"""


def cells(*ids: str) -> dict[str, str]:
    """The source of the code cells with these ids."""
    from autograder.builder.script import read_cells

    folder = load().script("08_applications").parent
    every = {cell.id: cell.source for name in SCRIPTS if (folder / name).is_file() for cell in read_cells(folder / name)}
    return {name: every[name] for name in ids}


def names_after(*ids: str) -> dict[str, object]:
    """The names that stand after the set-up and these cells have run."""
    names: dict[str, object] = {"__name__": "notebook"}
    exec(SET_UP, names)
    for source in cells(*ids).values():
        exec(source, names)
    return names
