"""Wrong answers and right ones in other styles: how a chapter's `misconceptions.py` and `variants.py` register theirs."""

import importlib.util
from dataclasses import dataclass

from autograder.manifest import load


@dataclass(frozen=True)
class Entry:
    """One registered answer: its component, the catalogue id or the name of the style, the function or class, its place."""

    component: str
    id: str
    answer: object
    number: int = 0


_registered = []


def misconception(component, id):
    """Registers a wrong answer under the catalogue id that names its mistake. An id may have several."""
    return _register(component, id)


def variant(component, style):
    """Registers a right answer in another style; it must always pass."""
    return _register(component, style)


def _register(component, id):
    def keep(answer):
        _registered.append(Entry(component, id, answer, len(_registered)))
        return answer

    return keep


def read(chapter, file):
    """The entries of `solutions/CHAPTER/FILE` in order; empty where that file is not there."""
    path = load().source_folder(chapter) / file
    if not path.is_file():
        return []
    spec = importlib.util.spec_from_file_location(f"{path.stem}_{chapter}", path)
    module = importlib.util.module_from_spec(spec)
    _registered.clear()
    spec.loader.exec_module(module)
    found = list(_registered)
    _registered.clear()
    return found
