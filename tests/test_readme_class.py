"""The instructor's commands of the README, run as they stand on a copy of the course: from the first to a page in hand."""

import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from nbgrader.api import Gradebook

from autograder.classroom import autograding
from autograder.classroom.students import solution_cells
from autograder.quiz import marks as quiz
from autograder.submission.reading import grade_id
from utils.manifest import ROOT, load

CHAPTER = "02_attention_mechanism"
EARNED = sum(exercise.graded_points for exercise in load().chapter(CHAPTER).exercises) + 0.25 * len(
    quiz.read_questions(quiz.questions_file(CHAPTER))
)
MARKS = f"{EARNED:g} of {EARNED + 2:g}"  # the written answer waits for a person
ANSWER = "My own words <script>alarm()</script> and *stress*."
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(900)]


def commands():
    """The lines of the first block of code below "If you teach", without the one that activates the environment."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").split("## If you teach")[1]
    block = re.search(r"(?:\n    [^\n]+)+", text).group()
    lines = [shlex.split(line, comments=True) for line in block.strip().splitlines()]
    assert lines[0] == ["source", ".venv/bin/activate"]
    return lines[1:]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of what git knows of the course, or would know."""
    folder = tmp_path_factory.mktemp("teacher") / "course"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def environment(course):
    """The variables of a shell in which the environment is active, as `source .venv/bin/activate` leaves them."""
    exchange = course.parent / "exchange"
    exchange.mkdir()
    exchange.chmod(0o777)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    return {**os.environ, "PATH": path, "COURSE_EXCHANGE": str(exchange), "PYTHONWARNINGS": "ignore"}


def run(command, folder, environment):
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def hand_in(course, environment):
    """A learner, whose copy of the course has no solutions, writes and hands in."""
    learner = course.parent / "learner"
    shutil.copytree(course, learner)
    for name in ("solutions", "classroom"):
        shutil.rmtree(learner / name)
    work = learner / "work" / CHAPTER
    shutil.copytree(learner / "notebooks" / CHAPTER, work)
    file = work / f"{CHAPTER}.ipynb"
    notebook = nbformat.read(file, as_version=4)
    right = solution_cells(CHAPTER)
    for cell in notebook.cells:
        if grade_id(cell) in right and cell.cell_type == "code":
            cell.source = right[grade_id(cell)]
        if grade_id(cell) == "written":
            cell.source = ANSWER
    nbformat.write(notebook, file)
    submit = f"import sys; from autograder.commands.submit import main; sys.exit(main([{CHAPTER!r}]))"
    run([sys.executable, "-c", submit], learner, environment)
    return learner


@pytest.fixture(scope="module")
def taught(course, environment):
    """(the teacher's folder, the learner's, what each command said)."""
    said, learner = {}, None
    for command in commands():
        if command[:2] == ["nbgrader", "collect"]:
            learner = hand_in(course, environment)
        said[" ".join(command[:3])] = run(
            [sys.executable if command[0] == "python" else command[0], *command[1:]], course, environment
        )
    return course, learner, said


def test_the_release_is_the_one_that_is_committed(taught):
    course, _, _ = taught
    released = course / "notebooks" / CHAPTER / f"{CHAPTER}.ipynb"
    assert released.read_bytes() == (ROOT / "notebooks" / CHAPTER / f"{CHAPTER}.ipynb").read_bytes()


def test_the_report_names_the_learner_with_the_marks(taught):
    _, _, said = taught
    report = said["python -m autograder"]
    assert "1 learners" in report and MARKS in report


def test_all_that_is_personal_is_in_the_classroom(taught):
    course, _, _ = taught
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {name.split("/")[0] for name in listed} | {"classroom"}
    assert {path.name for path in course.iterdir()} <= top
    assert f"{EARNED:g}" in (course / "classroom" / "grades.csv").read_text(encoding="utf-8")


def test_the_learner_gets_the_page_and_no_rubric_in_it(taught, environment):
    _, learner, _ = taught
    run(["nbgrader", "fetch_feedback", CHAPTER], learner, environment)
    (page,) = (learner / CHAPTER / "feedback").rglob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "softmax: all" in text and "My own words" in text
    assert "Rubric" not in text and "<script>alarm()" not in text


@pytest.mark.skipif(os.name == "nt", reason="kills by a signal")
def test_a_learner_whose_grading_was_killed_is_graded_by_the_next_run(taught, environment):
    course, _, _ = taught
    (graded,) = (course / "classroom" / "autograded").glob(f"*/{CHAPTER}")
    shutil.rmtree(graded)
    killed = subprocess.Popen(["nbgrader", "autograde", CHAPTER], cwd=course, env=environment, start_new_session=True)
    until = time.monotonic() + 120
    while not (graded / f"{CHAPTER}.ipynb").is_file() and time.monotonic() < until:
        time.sleep(0.05)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.wait()
    assert graded.is_dir() and "softmax: all" not in (graded / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    run(["nbgrader", "autograde", CHAPTER], course, environment)
    assert "softmax: all" in (graded / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    assert MARKS in run([sys.executable, "-m", "autograder", "report", CHAPTER], course, environment)


def test_only_an_autograde_of_the_same_class_keeps_what_is_half_graded(tmp_path, monkeypatch):
    command = [sys.executable, "-c", "import time; print(1, flush=True); time.sleep(60)", "nbgrader", "autograde"]
    (tmp_path / "another").mkdir()
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE) as other:
        other.stdout.readline()
        for folder, found in ((tmp_path, True), (tmp_path / "another", False)):
            monkeypatch.chdir(folder)
            assert autograding._another_autograde() is found
        other.kill()


def test_formgrader_shows_the_answer_with_its_rubric(taught, environment):
    course, _, _ = taught
    with Gradebook(f"sqlite:///{course / 'classroom' / 'gradebook.db'}") as gradebook:
        (submission,) = gradebook.notebook_submissions(CHAPTER, CHAPTER)
        id = submission.id
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}/formgrader/submissions/{id}/?token=known"
    command = ["jupyter", "lab", "--no-browser", f"--port={port}", "--IdentityProvider.token=known", "--allow-root"]
    server = subprocess.Popen(command, cwd=course, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        text = _page(address)
    finally:
        server.terminate()
        server.wait()
    assert "My own words" in text and "Rubric" in text and "<script>alarm()" not in text


def _page(address, seconds=120):
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:
                return answer.read().decode("utf-8")
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.5)
