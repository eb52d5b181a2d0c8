"""A newcomer adds a component with CONTRIBUTING's steps alone: skeleton, TODOs filled in, matrix, build."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
CHAPTER, NAME = "01_attention_problem", "negate"
COPIED = ("autograder", "utils", "solutions", "notebooks", "course.toml", "nbgrader_config.py", "course.py", "pyproject.toml")

# What the newcomer writes: file -> [(the skeleton's text, theirs)].
FILLED = {
    "course.toml": [
        ("difficulty = 2   # TODO: from 1 to 3, see CONTRIBUTING.md", "difficulty = 1"),
        ("importance = 2   # TODO: from 1 to 3; a stretch exercise has at most 2", "importance = 1"),
        ("TODO: a question that points at the idea.", "What is the opposite of a number?"),
        ("TODO: the step that most learners miss.", "Each entry is turned round on its own."),
        ("TODO: the plan in words, without the line of code.", "One operator does it."),
    ],
    f"solutions/{CHAPTER}/{CHAPTER}.py": [
        ("TODO: what to build, its shapes, and one number worked by hand.", "The opposite of each entry: of 3 it is -3."),
        ("TODO: what a learner sees who made the likely mistake", "the same numbers as before"),
        ("TODO: the place in their code", "the sign"),
        ("TODO: what it means; shapes; errors; source.", "The opposite of each entry of x, in its shape."),
        ("return x  # TODO", "return -x"),
    ],
    f"utils/reference/{NAME}.py": [
        ('"""TODO: on which of PyTorch\'s own building blocks."""', '"""PyTorch\'s own `neg`."""'),
        ("same shape`: TODO.", "same shape`: the opposite of each entry."),
        ("return x\n", "return x.neg()\n"),
    ],
    f"autograder/components/{NAME}.py": [
        ("TODO: the sentence that holds for every right answer", "Each entry is the opposite of its input"),
        ("TODO: a question or a place to look, for the likely mistake.", "What should become of a negative number?"),
    ],
    f"autograder/components/{NAME}.toml": [
        ("todo-id", "same-sign"),
        ("TODO: one sentence for each mistake that people make.", "What comes out is what went in. Look at the signs."),
    ],
    f"solutions/{CHAPTER}/misconceptions.py": [
        ('{"todo-id": "TODO: text of the solution → what a learner writes instead"}',
         '{"same-sign": {"solution": "return -x → return +x", "product": "* -1 → * 1"}}'),
    ],
    f"solutions/{CHAPTER}/variants.py": [
        ('@variant("negate", "TODO: the style, and three more like it")\ndef negate_otherwise(x):\n    return x\n',
         '@variant("negate", "product")\ndef negate_by_product(x):\n    return x * -1\n\n\n'
         '@variant("negate", "difference")\ndef negate_by_difference(x):\n    return x - 2 * x\n\n\n'
         '@variant("negate", "zeros")\ndef negate_from_zeros(x):\n    return x.new_zeros(x.shape) - x\n\n\n'
         '@variant("negate", "named")\ndef negate_by_name(x):\n    return x.negative()\n'),
    ],
    f"solutions/{CHAPTER}/uncatalogued.py": [
        ("TODO: a wrong answer that no id of the catalogue fits", "nothing is left"),
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the course with the skeleton of a component written by the command."""
    folder = tmp_path_factory.mktemp("course")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder)
    done = run(folder, "autograder.commands.new_exercise", CHAPTER, NAME)
    assert done.returncode == 0, done.stderr
    return folder


def run(course, module, *arguments):
    environment = {**os.environ, "PYTHONPATH": str(course), "COURSE_BUILD": "1"}
    return subprocess.run(
        [sys.executable, "-P", "-m", module, *arguments], cwd=course, env=environment, capture_output=True, text=True, timeout=280
    )


def test_the_skeleton_names_every_file_and_the_build_names_every_todo(course):
    left = run(course, "autograder.builder", CHAPTER, "--check")
    assert left.returncode == 1
    for file in FILLED:
        assert f"{file}:" in left.stderr, file
    again = run(course, "autograder.commands.new_exercise", CHAPTER, NAME)
    assert again.returncode == 2 and "is there already" in again.stderr
    for arguments, words in (((CHAPTER, "not a name"), "not a Python name"), (("09_no", "x"), "no chapter 09_no")):
        refused = run(course, "autograder.commands.new_exercise", *arguments)
        assert refused.returncode == 2 and words in refused.stderr


def test_the_filled_skeleton_is_proved_built_and_released(course):
    for file, changes in FILLED.items():
        path = course / file
        text = path.read_text(encoding="utf-8")
        for skeleton, theirs in changes:
            assert skeleton in text, (file, skeleton)
            text = text.replace(skeleton, theirs)
        path.write_text(text, encoding="utf-8")
    built = run(course, "autograder.builder", CHAPTER, "--no-execute")
    assert "still to do" not in built.stderr and built.returncode == 0, built.stderr
    matrix = run(course, "autograder", "matrix", CHAPTER, "--component", NAME, "--json")
    rows = [json.loads(line) for line in matrix.stdout.splitlines()]
    assert matrix.returncode == 0, matrix.stdout + matrix.stderr
    assert len(rows) == 2 + 4 + 1 + 1 and all(row["right"] for row in rows)
    released = (course / "notebooks" / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    assert f'"## Exercise: `{NAME}`' in released and "return -x" not in released


def test_contributing_follows_the_same_steps():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    for step in ("course.py new-exercise", "git grep -n TODO", "matrix", "--component", "course.py build"):
        assert step in text, step
    for path in re.findall(r"`((?:autograder|utils|solutions|tests)/[\w./]+?)`", text):
        assert any(ROOT.glob(path.replace("NAME", "*").replace("NN_name", "*").replace("CHAPTER", "*"))), path
