"""The house: one name a component in every folder, no class name twice, utils below autograder, framework apart from content."""

import ast
import json
from collections import Counter
from pathlib import Path

import pytest

from autograder import lines
from autograder.framework.component import component
from autograder.proof import shares
from utils.manifest import load
from utils.reference import COMPONENTS

ROOT = Path(__file__).resolve().parents[1]
EXERCISES = [exercise.id for exercise in load().exercises]
CODE = [path for folder in ("autograder", "utils") for path in sorted((ROOT / folder).rglob("*.py"))] + [ROOT / "course.py"]
FINGERPRINT_BYTES = 6_400  # a component, on average: 120 KB for the first five chapters' nineteen


def trees(paths):
    for path in paths:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def imports_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("name", EXERCISES)
def test_everything_about_a_component_stands_under_its_name(name):
    for path in (f"autograder/components/{name}.py", f"autograder/components/{name}.toml", f"utils/reference/{name}.py"):
        assert (ROOT / path).is_file(), path
    assert component(name).name == name
    assert COMPONENTS[name].__name__ == name


def test_no_file_of_a_component_is_left_over():
    names = {*EXERCISES, "__init__", "observed"}
    for folder in ("autograder/components", "utils/reference"):
        strangers = [path.name for path in (ROOT / folder).glob("*.*") if path.stem not in names]
        assert strangers == []


def test_the_reference_gives_a_component_by_its_name_however_its_file_was_imported():
    import utils.reference.attention
    from utils import reference
    from utils.reference import attention

    assert callable(attention) and utils.reference.attention is attention is reference.attention is COMPONENTS["attention"]
    with pytest.raises(AttributeError, match="no component 'atention'"):
        reference.atention  # noqa: B018


def test_two_classes_never_share_a_name():
    names = Counter(node.name for _, tree in trees(CODE) for node in ast.walk(tree) if isinstance(node, ast.ClassDef))
    components = set(EXERCISES)
    assert len(names) > 20
    assert [name for name, count in names.items() if count > 1 and name not in components] == []


def test_utils_stands_below_autograder():
    files = [path for path in CODE if path.is_relative_to(ROOT / "utils")]
    assert len(files) > 20
    upward = [place for place, tree in trees(files) for module in imports_of(tree) if module.split(".")[0] == "autograder"]
    assert upward == []


def test_the_framework_knows_no_component():
    files = sorted((ROOT / "autograder" / "framework").rglob("*.py"))
    assert len(files) > 10
    for place, tree in trees(files):
        assert not [m for m in imports_of(tree) if m.startswith(("autograder.components.", "autograder.shared_laws"))], place


def test_manifest_is_a_leaf():
    tree = ast.parse((ROOT / "utils" / "manifest.py").read_text(encoding="utf-8"))
    assert not [module for module in imports_of(tree) if module.split(".")[0] in ("autograder", "utils", "torch")]


def test_fingerprints_stay_small():
    files = sorted((ROOT / "autograder" / "components").glob("*.json"))
    assert {path.stem for path in files} <= set(EXERCISES) and files
    assert sum(path.stat().st_size for path in files) <= FINGERPRINT_BYTES * len(EXERCISES)
    for path in files:
        assert isinstance(json.loads(path.read_text(encoding="utf-8")), dict)


def test_a_component_does_not_come_to_cost_more_lines():
    found = lines.count(load())
    average = sum(row.total for row in found) / sum(row.components for row in found)
    assert average <= lines.CEILING, lines.text(found)
    assert f"{average:.0f} lines each on average" in lines.text(found)


def test_a_file_of_tests_is_one_workers_and_the_matrix_is_shared_by_chapter():
    ids = [
        "tests/test_a.py::test_x[02_b]",
        "tests/test_a.py::test_y",
        "tests/test_matrix.py::test_x[02_b]",
        "tests/test_matrix.py::test_z[02_b]",
    ]
    assert [shares.share(id) for id in ids] == ["tests/test_a.py", "tests/test_a.py", *["tests/test_matrix.py 02_b"] * 2]
