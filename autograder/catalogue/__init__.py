"""The catalogue of misconceptions: for each component and id the sentence that a learner reads.

`any.toml` holds what may be wrong with any component, `NN_name.toml` the ids of a chapter's components.
"""

import tomllib
from functools import cache
from pathlib import Path

ANY = "any"
_FOLDER = Path(__file__).parent


@cache
def read(name):
    """The tables of one file of the catalogue: {component: {id: sentence}}; empty where there is none."""
    path = _FOLDER / f"{name}.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def ids(component):
    """The ids that a diagnosis of `component` may name, its own first."""
    return [*read(component.chapter).get(component.name, {}), *read(ANY)[ANY]]


def sentence(component, id):
    """The learner's sentence for `id`, or None for None."""
    if id is None:
        return None
    own = read(component.chapter).get(component.name, {})
    return own[id] if id in own else read(ANY)[ANY][id]
