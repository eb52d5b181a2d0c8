"""A learner in a real browser: opens a chapter, is wrong, is told, is right, plays, answers, saves, hands in, is graded."""

import contextlib
import json
import re
import shutil
import subprocess
import sys

import lab
import pytest
import some
from playwright.sync_api import TimeoutError as TimeoutError_

from autograder import grade
from autograder.classroom.students import solution_cells
from autograder.framework.known_answers import read
from autograder.framework.solutions import MISCONCEPTIONS
from utils.manifest import load

SHOTS = lab.ROOT / "test-screenshots"
pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]
_SUBMIT = """import sys; from pathlib import Path; from autograder.commands.submit import main
sys.exit(main(sys.argv[2:], Path(sys.argv[1])))"""


@pytest.fixture
def course(tmp_path):
    """A course folder of its own, so that the learner's `work/` of this checkout stays as it is."""
    shutil.copytree(lab.ROOT / "notebooks", tmp_path / "notebooks")
    return tmp_path


@pytest.fixture
def open_chapter(course, chromium, request):
    """`open_chapter(chapter)` is a context with a `lab.Learner` at that chapter."""
    return lambda chapter: lab.learner(course, chapter, chromium, SHOTS / f"{request.node.name}.png")


def wrong_answer(chapter, component, id):
    """A plain wrong answer of the catalogue as a learner would type it."""
    fitting = [known for known in read(chapter, MISCONCEPTIONS) if (known.component, known.id) == (component, id)]
    plain = [known for known in fitting if "_answers = []" not in known.source] or fitting
    return plain[0].source


def _is_told_and_corrects(person, chapter, right):
    person.write("attention", wrong_answer(chapter, "attention", "softmax-over-queries"))
    person.run("attention")
    told = person.run("check-attention")
    assert "Diagnosis" in told and "softmax-over-queries" in told
    person.write("attention", right)
    person.run("attention")
    passed = person.run("check-attention")
    assert "Diagnosis" not in passed and "3 of 3 points" in passed


def _moves_a_slider(person):
    area = person.cell("explorer").locator(".jp-OutputArea").first
    handle = area.locator(".noUi-handle").first
    for _ in range(lab.TRIES):  # on a busy machine a widget may not be drawn: one runs its cell again
        person.run("explorer")
        with contextlib.suppress(TimeoutError_):
            area.scroll_into_view_if_needed(timeout=60_000)
            handle.wait_for(timeout=60_000)
            break
    assert handle.is_visible()
    before = area.inner_html()
    handle.focus()
    for _ in range(5):
        person.page.keyboard.press("ArrowRight")
    person.page.wait_for_timeout(1500)
    assert area.inner_html() != before


def _kept(folder):
    return "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*.py"))


def test_a_learner_works_through_chapter_02_and_is_graded(open_chapter, course):
    chapter = "02_attention_mechanism"
    right = solution_cells(chapter)
    with open_chapter(chapter) as person:
        person.run_all()
        assert "Nothing is here yet" in person.output("check-attention")
        assert person.page.locator("[data-mime-type='application/vnd.jupyter.error']").count() == 0
        for name in ("softmax", "attention_scores"):
            person.write(name, right[name])
            person.run(name)
            assert re.search(r"all \d+ checks hold", person.run(f"check-{name}"))
        _is_told_and_corrects(person, chapter, right["attention"])
        _moves_a_slider(person)
        person.write("quiz", right["quiz"])
        person.run("quiz")
        assert re.search(r"(\S+) of \1 points", person.run("check-quiz"))
        person.save()
    assert "def attention" in _kept(course / "work" / "my_transformer")
    handed_in = subprocess.run(
        [sys.executable, "-c", _SUBMIT, str(course), chapter, "--zip"], capture_output=True, text=True, cwd=course
    )
    assert handed_in.returncode == 0, handed_in.stderr
    archive = course / re.search(r"work/\S+\.zip", handed_in.stdout)[0]
    shutil.unpack_archive(archive, course / "received")
    graded = grade.grade_notebook(course / "received" / chapter / f"{chapter}.ipynb")
    points = {cell.grade_id: (cell.points, cell.max_points) for cell in graded.cells}
    assert points["check-softmax"] == (2.0, 2.0) and points["check-attention"] == (3.0, 3.0)
    assert points["check-quiz"][0] == points["check-quiz"][1] > 0


@pytest.mark.parametrize(
    "chapter",
    some.chapters(
        "01_attention_problem", "05_transformer_architecture", "07_encoder_decoder", "08_applications",
        without="02_attention_mechanism",
    ),
)  # fmt: skip
def test_a_chapter_opens_runs_and_tells_wrong_from_right(open_chapter, chapter):
    exercise = load().chapter(chapter).exercises[0].id
    mistake = next(known for known in read(chapter, MISCONCEPTIONS) if known.component == exercise)
    with open_chapter(chapter) as person:
        person.run("set-up")
        person.write(exercise, wrong_answer(chapter, exercise, mistake.id))
        person.run(exercise)
        assert mistake.id in person.run(f"check-{exercise}")
        person.write(exercise, solution_cells(chapter)[exercise])
        person.run(exercise)
        assert re.search(r"all \d+ checks hold", person.run(f"check-{exercise}"))
        person.save()
        cells = {cell["id"]: cell for cell in json.loads(person.path.read_text())["cells"]}
    assert f"{exercise}" in "".join(cells[exercise]["source"])
