"""The course's grader: `start`, `check` and `check_quiz` are what a notebook imports."""

import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


def start() -> None:
    """Prepares the session of a notebook: the course's files come before the learner's folder, PyTorch takes one thread,
    `my_transformer` can be imported, and what becomes of each cell is noted for its check.

    `check` and `check_quiz` do so too. A second call changes nothing.
    """
    course_first()
    from IPython import get_ipython

    from autograder import cells
    from utils import library, session

    session.begin()
    cells.watch(get_ipython())
    library.begin()


def course_first() -> None:
    """Puts the course's root first on `sys.path` and the working folder last.

    A learner's own `utils.py` or `torch.py` beside the notebook then shadows nothing.
    """
    here = {"", ".", str(Path.cwd())} - {str(_ROOT)}
    others = [entry for entry in sys.path if entry not in here and entry != str(_ROOT)]
    sys.path[:] = [str(_ROOT), *others, *[entry for entry in sys.path if entry in here]]
    shadow = getattr(sys.modules.get("utils"), "__file__", None)
    if shadow is not None and not Path(shadow).resolve().is_relative_to(_ROOT):
        del sys.modules["utils"]


def check(component: str) -> float:
    """Runs the checks of `component` on the answer as it stands in this notebook and shows what they find.

    Returns the points earned, a float: nbgrader reads it as the cell's partial credit (0.0 for a stretch exercise).
    """
    start()
    from autograder.display import Points
    from autograder.notebook import check

    return Points(check(component))


def check_quiz(chapter: str) -> float:
    """Shows the sentence that belongs to each chosen option and returns the points of the quiz, a float."""
    start()
    from autograder.display import Points
    from autograder.quiz.marks import check_quiz

    return Points(check_quiz(chapter))
