"""The files of `attacks/`: one attack each, or one honest notebook that looks odd."""

import importlib.util
from pathlib import Path

FOLDER = Path(__file__).with_name("attacks")


def names():
    """Of all of them; the part before the first underscore is the class."""
    return sorted(path.stem for path in FOLDER.glob("*.py"))


def load(name):
    """The module of an attack."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
