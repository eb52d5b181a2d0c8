"""The grading engine: what stops it, what it says, and that a kill at any moment loses nothing. (Its marks: `test_class`.)"""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from gradebooks import rows
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st
from nbgrader.api import Gradebook

from autograder.classroom.class_run import ClassRun
from autograder.classroom.engine.jobs import Job, Result, digest
from autograder.classroom.engine.store import Store
from autograder.classroom.students import Student, solution_cells, write_submission
from autograder.framework.isolation import sandbox
from autograder.framework.isolation.limits import Limits
from autograder.framework.known_answers import read
from autograder.framework.solutions import MISCONCEPTIONS
from autograder.step import GradedCell, Step
from utils.manifest import ROOT, load

CHAPTER = "01_attention_problem"
COUNT = 6
pytestmark = [pytest.mark.class_run, pytest.mark.timeout(900)]
needs_sandbox = pytest.mark.skipif(sandbox.why_not() is not None, reason=str(sandbox.why_not()))
UNSAFE = [] if sandbox.why_not() is None else ["--unsafe-no-sandbox"]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory):
    """A course directory with a few quick submissions, none graded."""
    run = ClassRun(tmp_path_factory.mktemp("engine") / "course", CHAPTER, say=lambda line: None)
    run.nbgrader("generate_assignment", CHAPTER, "--force")
    quiz = {"quiz": solution_cells(CHAPTER)["quiz"]}
    for number in range(COUNT):
        # None may be equal to another, whose result would then serve for both.
        answer = {**quiz, "written": f"I am number {number}."}
        write_submission(run.folder / "classroom" / "submitted", CHAPTER, Student(f"quick-{number:02}", "", answer))
    return run


@pytest.fixture
def course(fresh, tmp_path):
    return fresh.copy(tmp_path / "course", [f"quick-{number:02}" for number in range(COUNT)])


def command(course, *arguments, **options):
    line = [sys.executable, "-m", "autograder", "autograde", *arguments, *UNSAFE]
    return subprocess.run(line, cwd=course.folder, capture_output=True, text=True, timeout=600, **options)


@pytest.fixture(scope="module")
def undisturbed(fresh, tmp_path_factory):
    """The gradebook after a run that nobody disturbed."""
    copy = fresh.copy(tmp_path_factory.mktemp("undisturbed") / "course", [f"quick-{n:02}" for n in range(COUNT)])
    done = command(copy, CHAPTER, "--jobs", "2")
    assert done.returncode == 0, done.stderr
    return rows(copy.folder)


def test_a_class_is_graded_once_and_again_only_when_forced(course, undisturbed):
    assert command(course, CHAPTER, "--student", "quick-01").returncode == 0
    assert set(rows(course.folder)) == {"quick-01"}
    first = command(course, CHAPTER)
    assert first.returncode == 0 and f"graded {COUNT - 1} submissions" in first.stdout
    assert rows(course.folder) == undisturbed
    again = command(course, CHAPTER)
    assert again.returncode == 0 and f"graded before: {COUNT}" in again.stdout
    forced = command(course, CHAPTER, "--force")
    assert forced.returncode == 0 and f"{COUNT} of them from results of an earlier run" in forced.stdout
    assert rows(course.folder) == undisturbed


def test_after_kills_at_any_moment_the_gradebook_is_that_of_an_undisturbed_run(course, undisturbed):
    chance = random.Random(os.getpid())
    for _ in range(3):
        line = [sys.executable, "-m", "autograder", "autograde", CHAPTER, "--jobs", "2", *UNSAFE]
        process = subprocess.Popen(line, cwd=course.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(chance.uniform(1, 12))
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert command(course, CHAPTER).returncode == 0
    assert rows(course.folder) == undisturbed


def test_no_submission_stops_the_others_and_each_has_its_line(course, undisturbed):
    submitted = course.folder / "classroom" / "submitted"
    bad = {
        "bad-bytes": b"\xff\xfe\x00junk", "bad-empty": b"", "bad-json": b'{"cells": [', "bad-deep": b"[" * 10_000,
        "bad-list": b"[1, 2]", "bad-foreign": b'{"cells": 3, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}',
    }  # fmt: skip
    for name, data in bad.items():
        folder = submitted / name / CHAPTER
        folder.mkdir(parents=True)
        (folder / f"{CHAPTER}.ipynb").write_bytes(data)
    (submitted / "bad-nothing" / CHAPTER).mkdir(parents=True)
    (submitted / "bad-nothing" / CHAPTER / "essay.txt").write_text("Dear teacher")
    done = command(course, CHAPTER)
    assert done.returncode == 1
    for name in [*bad, "bad-nothing"]:
        assert f"{name}: not graded: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert {student: row for student, row in rows(course.folder).items() if student in undisturbed} == undisturbed


@pytest.mark.parametrize("lock", ["IMMEDIATE", "EXCLUSIVE"])  # another's write, which leaves it to be read, and none of both
def test_a_locked_gradebook_stops_it_with_a_sentence_and_another_run_goes_on(course, undisturbed, lock):
    with closing(sqlite3.connect(course.folder / "classroom" / "gradebook.db", isolation_level=None)) as other:
        other.execute(f"BEGIN {lock}")
        done = command(course, CHAPTER, "--jobs", "1", "--student", "quick-00")
    assert done.returncode == 1 and "stopped: the gradebook cannot be written (database is locked)" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert command(course, CHAPTER, "--student", "quick-00").returncode == 0
    assert rows(course.folder)["quick-00"] == undisturbed["quick-00"]


@needs_sandbox
@pytest.mark.parametrize("place", ["results", "autograded"])
def test_a_full_disk_stops_it_with_a_sentence_and_another_run_goes_on(course, undisturbed, place):
    small = course.folder / "classroom" / place
    small.mkdir(exist_ok=True)
    disk = ["bwrap", "--dev-bind", "/", "/", "--size", "65536", "--tmpfs", str(small)]  # of 64 KB, and gone after the run
    line = [*disk, sys.executable, "-m", "autograder", "autograde", CHAPTER, "--jobs", "1", "--unsafe-no-sandbox"]
    done = subprocess.run(line, cwd=course.folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 1 and "stopped: the disk is full" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert command(course, CHAPTER).returncode == 0
    assert rows(course.folder) == undisturbed


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["09_nothing"], "unknown chapter"), ([CHAPTER, "--student", "nobody"], "nothing was handed in by nobody"),
     (["02_attention_mechanism"], "generate_assignment"), ([CHAPTER, "--jobs", "0"], "give 1 or more")],
)  # fmt: skip
def test_wrong_usage_is_told_with_exit_code_two(fresh, arguments, words):
    done = command(fresh, *arguments)
    assert done.returncode == 2 and words in done.stderr and "Traceback" not in done.stderr


def test_without_a_sandbox_grading_refuses_and_says_what_to_install(fresh, tmp_path):
    path = tmp_path / "bin"
    path.mkdir()
    (path / "python3").symlink_to(sys.executable)
    line = [sys.executable, "-m", "autograder", "autograde", CHAPTER]
    done = subprocess.run(
        line, cwd=fresh.folder, capture_output=True, text=True, env={**os.environ, "PATH": str(path)}, timeout=300
    )
    assert done.returncode == 2
    assert "no sandbox" in done.stderr and "--unsafe-no-sandbox" in done.stderr
    assert sys.platform != "linux" or "apt-get install bubblewrap" in done.stderr


def test_a_mended_check_changes_the_keys_of_its_own_chapter_alone(tmp_path):
    for name in ("autograder", "utils"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "course.toml", tmp_path)

    def digests(changed):
        with open(tmp_path / changed, "a", encoding="utf-8") as file:
            file.write("\n")
        return [digest(load(tmp_path), name) for name in ("02_attention_mechanism", "03_self_attention", "of_no_chapter")]

    before = digests("autograder/commands/lab.py")
    assert digests("autograder/commands/lab.py") == before
    softmax = digests("autograder/components/softmax.py")
    assert [old == new for old, new in zip(before, softmax, strict=True)] == [False, True, False]
    assert not set(digests("utils/reference/softmax.py")) & set(softmax)


LATE = """
from nbgrader.plugins import LateSubmissionPlugin

class HalfAPointAnHour(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return 0.5 * total_seconds_late / 3600
"""
LATE_CONFIG = """
import sys
sys.path.insert(0, {folder!r})
c.AssignLatePenalties.plugin_class = "late_plugin.HalfAPointAnHour"
"""


def _answers():
    """What a learner may write into each cell of the chapter: nothing, the right answer, a known mistake, or no Python."""
    right = solution_cells(CHAPTER)
    cells = {}
    for name, source in right.items():
        wrong = [known.source for known in read(CHAPTER, MISCONCEPTIONS) if known.component == name]
        cells[name] = st.sampled_from([None, source, source, "print(", *wrong[:3]] if name != "written" else [None, "I saw it."])
    hours_late = st.sampled_from([None, 0, 1, 100])
    return st.lists(st.tuples(st.fixed_dictionaries(cells), hours_late), min_size=4, max_size=4)


@given(learners=_answers())
@settings(max_examples=1, derandomize=True, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_a_generated_class_is_graded_as_nbgrader_itself_does_late_ones_too(fresh, tmp_path_factory, learners):
    assume({hours for _, hours in learners} >= {1, 100} and all(any(cells.values()) for cells, _ in learners))
    folders = [tmp_path_factory.mktemp(name) / "course" for name in ("by-nbgrader", "by-the-engine")]
    by_nbgrader, by_engine = (fresh.copy(folder, []) for folder in folders)
    for run in (by_nbgrader, by_engine):
        (run.folder / "late_plugin.py").write_text(LATE)
        with open(run.folder / "nbgrader_config.py", "a") as file:
            file.write(LATE_CONFIG.format(folder=str(run.folder)))
        with Gradebook(f"sqlite:///{run.folder}/classroom/gradebook.db") as gradebook:
            gradebook.update_or_create_assignment(CHAPTER, duedate="2026-01-01 12:00:00 UTC")
        for number, (cells, hours) in enumerate(learners):
            written = {name: source for name, source in cells.items() if source is not None}
            path = write_submission(run.folder / "classroom" / "submitted", CHAPTER, Student(f"learner-{number}", "", written))
            if hours is not None:
                when = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(hours=hours)
                (path.parent / "timestamp.txt").write_text(when.strftime("%Y-%m-%d %H:%M:%S UTC"))
    by_nbgrader.nbgrader("autograde", CHAPTER)
    done = command(by_engine, CHAPTER)
    assert done.returncode == 0, done.stdout + done.stderr
    assert rows(by_engine.folder) == rows(by_nbgrader.folder) and len(rows(by_engine.folder)) == len(learners)
    penalties = [penalty for row in rows(by_engine.folder).values() for penalty in row["penalties"] if penalty]
    assert len(penalties) > 1, "no late learner had points to lose"


def test_the_report_says_where_there_was_no_sandbox(course):
    line = [sys.executable, "-m", "autograder", "autograde", CHAPTER, "--student", "quick-00", "--unsafe-no-sandbox"]
    assert subprocess.run(line, cwd=course.folder, capture_output=True, timeout=300).returncode == 0
    (row,) = course.report().rows[:1]
    assert row.student == "quick-00" and "unsafe-no-sandbox" in row.flags


def test_the_store_gives_back_what_it_was_given_and_nothing_half(tmp_path):
    store = Store(tmp_path)
    step = Step([{"output_type": "stream", "name": "stdout", "text": "λ"}], GradedCell("check-x", 1.0, 2.0, "m"))
    result = Result({CHAPTER: [step]}, True, written={"b.bin": bytes(range(256))})
    job = Job(CHAPTER, {CHAPTER: "{}"}, {"a.bin": bytes(range(256))})
    assert Job.from_json(job.to_json()) == job and store.get(job.key) is None
    store.put(job.key, result)
    assert store.get(job.key) == result
    (path,) = tmp_path.rglob("*.json")
    path.write_text(path.read_text()[:50])
    assert store.get(job.key) is None


def test_a_result_is_found_by_all_that_can_change_it():
    jobs = [
        Job(CHAPTER, {"p": "a"}, {}), Job(CHAPTER, {"p": "b"}, {}), Job(CHAPTER, {"q": "a"}, {}),
        Job("02_attention_mechanism", {"p": "a"}, {}), Job(CHAPTER, {"p": "a"}, {"f": b""}),
        Job(CHAPTER, {"p": "a"}, {}, Limits(wall_seconds=1)), Job(CHAPTER, {"p": "a"}, {}, unsafe_no_sandbox=True),
    ]  # fmt: skip
    assert len({job.key for job in jobs}) == len(jobs)
    assert Job(CHAPTER, {"p": "a"}, {}).key == jobs[0].key
