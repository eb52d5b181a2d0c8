"""The catalogue of misconceptions: for each component and id the sentence that a learner reads.

A component's own ids stand in `autograder/components/NAME.toml`, what may be wrong with any in `autograder/shared_laws/any.toml`.
"""

import tomllib
from functools import cache
from pathlib import Path

_GRADER = Path(__file__).resolve().parents[1]


@cache
def _read(path: Path) -> dict[str, str]:
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def own(name: str) -> dict[str, str]:
    """{id: sentence} of the component called `name` alone; empty where it has no file."""
    return _read(_GRADER / "components" / f"{name}.toml")


def common() -> dict[str, str]:
    """{id: sentence} of what may be wrong with any component."""
    return _read(_GRADER / "shared_laws" / "any.toml")


def ids(name: str) -> list[str]:
    """The ids that a diagnosis of the component may name, its own first."""
    return [*own(name), *common()]


def sentence(name: str, id: str | None) -> str | None:
    """The learner's sentence for `id`, or None for None."""
    return None if id is None else {**common(), **own(name)}[id]
