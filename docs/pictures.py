"""Makes the pictures of the README: a chapter in JupyterLab, and a wrong answer with its diagnosis.

python docs/pictures.py        (in the maintainers' environment, with Chromium)
"""

import hashlib
import json
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import lab  # noqa: E402  (needs the path above)

from autograder.classroom.students import solution_cells  # noqa: E402
from autograder.proof import machine  # noqa: E402
from utils.manifest import load  # noqa: E402

CHAPTER = "02_attention_mechanism"
WRONG = '''def attention(q, k, v, mask=None):
    """Each query's mixture of the values."""
    scores = attention_scores(q, k)
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e9)
    weights = softmax(scores, dim=-2)
    return weights @ v, weights
'''


SHOWN = ("softmax", "attention_scores", "attention", "settings", "explorer", "check-attention")
SOURCES = (
    "autograder/display.py", "autograder/render.py", "autograder/components/attention.py", "autograder/components/attention.toml",
    "utils/palette.py", "utils/pictures.py", "utils/explorers.py", "utils/chapters/attention_mechanism/explorer.py",
)  # fmt: skip
STAMP = ROOT / "docs" / "pictures.json"


def digest():
    """Of everything that the pictures show: the cells of the notebook, and what draws their outputs."""
    cells = {cell["id"]: cell["source"] for cell in json.loads(load().released_notebook(CHAPTER).read_text())["cells"]}
    parts = [json.dumps(cells[id]) for id in SHOWN] + [(ROOT / source).read_text() for source in SOURCES] + [WRONG]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def shot(person, name, cell):
    """Photographs the page at a cell, and refuses a page that shows an error."""
    person.cell(cell).evaluate("cell => cell.scrollIntoView({block: 'start'})")
    person.page.wait_for_timeout(700)
    errors = person.page.locator("[data-mime-type='application/vnd.jupyter.error']")
    if errors.count():
        sys.exit(f"The page for {name} shows an error: {errors.first.inner_text()[:200]}")
    person.page.screenshot(path=str(ROOT / "docs" / name))


def main():
    """Writes docs/chapter.png, docs/diagnosis.png and the digest of what they show."""
    right = solution_cells(CHAPTER)
    with tempfile.TemporaryDirectory() as folder:
        course = Path(folder)
        shutil.copytree(ROOT / "notebooks", course / "notebooks")
        with lab.learner(course, CHAPTER, machine.chromium(), course / "failed.png") as person:
            for exercise in load().chapter(CHAPTER).exercises:
                person.write(exercise.id, right[exercise.id])
            person.run_all()
            shot(person, "chapter.png", "settings")
            person.write("attention", WRONG)
            person.run("attention")
            person.run("check-attention")
            shot(person, "diagnosis.png", "attention")
    STAMP.write_text(json.dumps({"shown": digest()}, indent=1) + "\n")


if __name__ == "__main__":
    main()
