"""A course of one small chapter, whole and in order, for the tests of the build to spoil."""

import shutil
from pathlib import Path

from utils.manifest import ROOT, Course, load

CHAPTER = "01_tiny"

MANIFEST = """
[course]
name = "tiny"
title = "A tiny course"
python = "3.11"
instant_feedback = true

[[chapter]]
id = "01_tiny"
title = "Doubling"
minutes = 40
reading = 10
seconds = 60
prerequisites = []

[[chapter.exercise]]
id = "double"
points = 2
minutes = 10
difficulty = 1
importance = 3
hints = ["What is twice a number?", "Addition does it.", "One operator is enough."]

[[chapter.exercise]]
id = "triple"
points = 1.5
minutes = 10
difficulty = 2
importance = 1
stretch = true
needs = ["double"]
hints = ["Once more.", "You have double.", "Use both."]

[chapter.quiz]
minutes = 5

[chapter.written]
points = 2
minutes = 5
"""

SCRIPT = '''
# %% [markdown] slug="title"
# # Doubling

# %% slug="set-up" tags=["setup"]
from autograder import check, check_quiz, start
start()
import autograder
autograder.check = check = {"double": 2.0, "triple": 0.0}.get

# %% [markdown] hints="double"

# %% exercise="double"
def double(value):
    """Twice the value."""
    given_to_everybody = abs(value) + 0
    ### BEGIN SOLUTION
    halfway_there = value + 0 * value  # a step that nobody needs at all
    the_other_half = halfway_there - 0 * value
    return halfway_there + the_other_half
    ### END SOLUTION

# %% check="double"
check("double")

# %% slug="look" tags=["nbval-check-output"]
print("a figure", 1 + 1)

# %% [markdown] hints="triple"

# %% exercise="triple"
def triple(value):
    """Three times the value."""
    ### BEGIN SOLUTION
    return double(value) + 1 * value
    ### END SOLUTION

# %% check="triple"
check("triple")

# %% [markdown] quiz="questions"

# %% exercise="quiz"

# %% check="quiz"
check_quiz("01_tiny")

# %% [markdown] slug="written-question"
# What did you expect?

# %% [markdown] answer="written"
# ### BEGIN SOLUTION
# One point for a prediction that could have been wrong.
# ### END SOLUTION
'''

QUESTION = """
[[question]]
id = "q{number}"
text = "What is {number} doubled?"
answer = "{answer}"
[question.options]
a = {{ text = "the {number}th text", says = "Sentence a of question {number}, shown when chosen." }}
b = {{ text = "another text", says = "Sentence b of question {number}, shown when chosen." }}
c = {{ text = "a third text", says = "Sentence c of question {number}, shown when chosen." }}
"""
LETTERS = "bcabc"
QUIZ = "".join(QUESTION.format(number=number, answer=letter) for number, letter in enumerate(LETTERS, 1))

OTHER_FILES = {
    "misconceptions.py": """
from autograder.framework.known_answers import misconception


@misconception("double", "squares")
def double_squares(value):
    squared_instead = value ** 2 + 0 * value
    return squared_instead + 0 * squared_instead
""",
    "variants.py": """
from autograder.framework.known_answers import variant


@variant("double", "shift")
def double_shift(value):
    return value << 1 if isinstance(value, int) else value * 2
""",
    "uncatalogued.py": """
from autograder.framework.known_answers import uncatalogued


@uncatalogued("double", "something else")
def double_nothing(value):
    nothing_at_all = value * 0 + 0 * value
    return nothing_at_all - value * 0
""",
    "hidden_checks.py": 'CASES = {\n    "double": [dict(seed=31337, dtype="float64", batch=13)],\n}\n',
    "quiz.toml": QUIZ,
}


def make(root: Path) -> Course:
    """Writes the course below `root`, with a copy of this repository's grader, `utils` and nbgrader configuration."""
    for name in ("autograder", "utils"):
        shutil.copytree(ROOT / name, root / name, ignore=_of_this_repository)
    folder = root / "solutions" / CHAPTER
    folder.mkdir(parents=True)
    (root / "course.toml").write_text(MANIFEST)
    (folder / f"{CHAPTER}.py").write_text(SCRIPT.lstrip())
    for name, text in OTHER_FILES.items():
        (folder / name).write_text(text)
    shutil.copy(ROOT / "nbgrader_config.py", root)
    return load(root)


def _of_this_repository(_, names: list[str]) -> set[str]:
    """What of a folder is not copied: caches, and all that bears the name of a chapter or a component of this course."""
    course = load()
    own = {"__pycache__", *(chapter.id for chapter in course.chapters), *(chapter.name for chapter in course.chapters)}
    return {name for name in names if Path(name).stem in own | {exercise.id for exercise in course.exercises}}


def edit(path: Path, old: str, new: str) -> None:
    """Replaces text that must be there."""
    text = path.read_text()
    assert old in text, f"{path.name} does not hold {old!r}"
    path.write_text(text.replace(old, new))
