"""Makes the pictures of the README: a chapter in JupyterLab, and a wrong answer with its diagnosis.

python docs/pictures.py        (in the maintainers' environment, with Chromium)
"""

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import lab  # noqa: E402  (needs the path above)

from autograder.commands import machine  # noqa: E402

CHAPTER = "02_attention_mechanism"
WRONG = '''def attention(q, k, v, mask=None):
    """Each query's mixture of the values."""
    scores = attention_scores(q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = softmax(scores, dim=-2)
    return weights @ v, weights
'''


def main():
    """Writes docs/chapter.png and docs/diagnosis.png."""
    from autograder.classroom import solution_cells

    right = solution_cells(CHAPTER)
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        shutil.copytree(ROOT / "notebooks", course / "notebooks")
        with lab.learner(course, CHAPTER, machine.chromium(), course / "failed.png") as person:
            person.run_all()
            for name in ("softmax", "attention_scores"):
                person.write(name, right[name])
                person.run(name)
                person.run(f"check-{name}")
            person.write("attention", WRONG)
            person.run("attention")
            person.run("check-attention")
            person.cell("attention").evaluate("cell => cell.scrollIntoView({block: 'start'})")
            person.page.wait_for_timeout(700)
            person.page.screenshot(path=str(ROOT / "docs" / "diagnosis.png"))
            person.cell("settings").evaluate("cell => cell.scrollIntoView({block: 'start'})")
            person.run("explorer")
            person.cell("settings").evaluate("cell => cell.scrollIntoView({block: 'start'})")
            person.page.wait_for_timeout(700)
            person.page.screenshot(path=str(ROOT / "docs" / "chapter.png"))


if __name__ == "__main__":
    main()
