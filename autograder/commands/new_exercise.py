"""`course.py new-exercise CHAPTER NAME`: writes the skeleton of an exercise into every file that it needs.

What is left to do is marked TODO; `course.py build --check` names each TODO that is still there.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from utils.manifest import ROOT, Chapter, load

MINUTES = 15

MANIFEST = """[[chapter.exercise]]
id = "{name}"
points = 1.5
minutes = {minutes}
difficulty = 2   # TODO: from 1 to 3, see CONTRIBUTING.md
importance = 2   # TODO: from 1 to 3; a stretch exercise has at most 2
hints = [
    "TODO: a question that points at the idea.",
    "TODO: the step that most learners miss.",
    "TODO: the plan in words, without the line of code.",
]

"""

SCRIPT = '''# %% [markdown] slug="{slug}-exercise"
# ## Exercise: `{name}`
#
# TODO: what to build, its shapes, and one number worked by hand.

# %% [markdown] hints="{name}"

# %% [markdown] slug="symptoms-{name}"
# | you see | look at |
# |---|---|
# | TODO: what a learner sees who made the likely mistake | TODO: the place in their code |

# %% exercise="{name}"
def {name}(x):
    """TODO: what it means; shapes; errors; source."""
    ### BEGIN SOLUTION
    return x  # TODO
    ### END SOLUTION

# %% check="{name}"
check("{name}")

'''

REFERENCE = '''"""TODO: on which of PyTorch's own building blocks."""


def {name}(x):
    """`(batch, seq, d_model) -> same shape`: TODO."""
    return x
'''

LAWS = '''"""What is checked of {name}."""

from autograder.words import Case, Component, Drawn, Probe, add_common, agree


def draw(case):
    return Drawn({{"x": case.normal(case.batch, case.seq, case.d_model)}})


COMPONENT = Component(
    draw,
    cases=Case.table({seed}0, "batch seq d_model", (2, 5, 7), (3, 2, 11)),
    parts=("the result",),
    probes=Probe.table(draw, "batch seq d_model", {{"plain": (2, 3, 5)}}),
)


@COMPONENT.law(points=0.5)
def agrees(candidate, case):
    """TODO: the sentence that holds for every right answer

    TODO: a question or a place to look, for the likely mistake.
    """
    agree(candidate, draw(case))


add_common(COMPONENT, agrees)
'''

CATALOGUE = """# What a learner of {name} may have mixed up: what the output shows, why, and where to look.

todo-id = "TODO: one sentence for each mistake that people make."
"""

APPENDED = {
    "misconceptions.py": """

# {name}

edits("{name}", {{"todo-id": "TODO: text of the solution → what a learner writes instead"}})
""",
    "variants.py": """

# {name}


@variant("{name}", "TODO: the style, and three more like it")
def {name}_otherwise(x):
    return x
""",
    "uncatalogued.py": """

# {name}


@uncatalogued("{name}", "TODO: a wrong answer that no id of the catalogue fits")
def {name}_of_nothing(x):
    return x * 0
""",
}
HIDDEN = '    "{name}": [{{"seed": {seed}2, "batch": 5, "seq": 3, "d_model": 2}}],\n'
REGISTRY = {"misconceptions.py": "edits, misconception", "variants.py": "variant", "uncatalogued.py": "uncatalogued"}


class CannotWrite(Exception):
    """The skeleton cannot be written; the message says why."""


def main(argv: list[str] | None = None, root: Path = ROOT) -> int:
    """Writes the skeleton and lists the files. Exit code 0 when it is there, 2 on wrong usage."""
    parser = argparse.ArgumentParser(prog="course.py new-exercise", description=__doc__)
    parser.add_argument("chapter", metavar="CHAPTER")
    parser.add_argument("name", metavar="NAME", help="the component's name: its cell, its grade_id, its file")
    arguments = parser.parse_args(argv)
    try:
        written = write(root, arguments.chapter, arguments.name)
    except CannotWrite as problem:
        print(f"course.py new-exercise: {problem}", file=sys.stderr)
        return 2
    print("\n".join(f"{path.relative_to(root)}" for path in written))
    print(f"Fill in each TODO (git grep -n TODO), then: python3 course.py build {arguments.chapter}")
    return 0


def write(root: Path, chapter_id: str, name: str) -> list[Path]:
    """Writes every file of a new exercise and returns them. Raises `CannotWrite`, and then nothing was written."""
    course = load(root)
    chapters = {chapter.id: chapter for chapter in course.chapters}
    if chapter_id not in chapters:
        raise CannotWrite(f"no chapter {chapter_id}: choose from {', '.join(chapters)}")
    if not name.isidentifier():
        raise CannotWrite(f"{name!r} is not a Python name")
    if name in {exercise.id for exercise in course.exercises}:
        raise CannotWrite(f"{name} is there already")
    texts = _texts(root, chapters[chapter_id], name)
    for path, text in texts.items():
        path.write_text(text, encoding="utf-8")
    return list(texts)


def _texts(root: Path, chapter: Chapter, name: str) -> dict[Path, str]:
    """{file: its whole text with the new exercise in it}."""
    folder = root / "solutions" / chapter.id
    words = {"name": name, "slug": name.lower().replace("_", "-"), "minutes": MINUTES, "seed": _seed(chapter)}
    script = folder / f"{chapter.id}.py"
    texts = {
        root / "course.toml": _in_manifest((root / "course.toml").read_text(encoding="utf-8"), chapter, MANIFEST.format(**words)),
        script: _before(script.read_text(encoding="utf-8"), '# %% [markdown] quiz="questions"', SCRIPT.format(**words)),
        root / "utils" / "reference" / f"{name}.py": REFERENCE.format(**words),
        root / "autograder" / "components" / f"{name}.py": LAWS.format(**words),
        root / "autograder" / "components" / f"{name}.toml": CATALOGUE.format(**words),
    }
    for file, text in APPENDED.items():
        path = folder / file
        empty = f'"""TODO."""\n\nfrom autograder.framework.known_answers import {REGISTRY[file]}\n'
        before = path.read_text(encoding="utf-8") if path.is_file() else empty
        texts[path] = before.rstrip("\n") + "\n" + text.format(**words)
    hidden = folder / "hidden_checks.py"
    before = hidden.read_text(encoding="utf-8")
    texts[hidden] = before[: before.rstrip().rindex("}")] + HIDDEN.format(**words) + "}\n"
    return texts


def _in_manifest(text: str, chapter: Chapter, block: str) -> str:
    start = text.index(f'id = "{chapter.id}"')
    minutes = f"minutes = {chapter.minutes}"
    at = text.index(minutes, start)
    text = text[:at] + f"minutes = {chapter.minutes + MINUTES}" + text[at + len(minutes) :]
    end = text.index("[chapter.quiz]", start)
    return text[:end] + block + text[end:]


def _before(text: str, mark: str, block: str) -> str:
    if mark not in text:
        raise CannotWrite(f"the script has no cell {mark!r}")
    return text.replace(mark, block + mark, 1)


def _seed(chapter: Chapter) -> int:
    """A seed that no case of the chapter has: the chapter's number and how many exercises it has."""
    number = re.match(r"\d+", chapter.id)
    return int(number.group() if number else 9) * 1000 + 100 + len(chapter.exercises)


if __name__ == "__main__":
    sys.exit(main())
