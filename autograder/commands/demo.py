"""`course.py demo`: a small class, made from the known right and wrong answers, from release to feedback and report."""

import argparse
import sys
import time

from autograder.classroom import report
from autograder.classroom.class_run import ClassRun
from autograder.classroom.students import Student, students
from utils.manifest import ROOT, load

FOLDER = ROOT / "classroom" / "demo"
CLASS_SIZE = 8


def main(argv: list[str] | None = None) -> int:
    """Runs the demo and says where the report is."""
    parser = argparse.ArgumentParser(prog="course.py demo", description=__doc__)
    chapters = [chapter.id for chapter in load().chapters]
    parser.add_argument("chapter", nargs="?", default="02_attention_mechanism", choices=chapters, metavar="CHAPTER")
    arguments = parser.parse_args(argv)
    started = time.monotonic()
    run = ClassRun(
        FOLDER,
        arguments.chapter,
        say=lambda line: print(f"{time.monotonic() - started:5.0f} s  {line}", flush=True),
    )
    members = small_class(arguments.chapter)
    run.release()
    run.hand_in(members)
    run.collect()
    run.grade()
    run.feedback()
    print(report.text(run.report()))
    print(f"The report: {FOLDER.relative_to(ROOT) / 'report.html'}")
    print(f"A learner's feedback: {run.feedback_page(members[-1].id).relative_to(ROOT)}")
    print(f"Marks as a table: {FOLDER.relative_to(ROOT) / 'grades.csv'}")
    return 0


def small_class(chapter: str) -> list[Student]:
    """One of each kind, and wrong answers up to the size of the class."""
    everyone = students(chapter)
    kinds = [s for s in everyone if s.id in ("solution", "style-01", "partial-first", "untouched", "empty")]
    wrong = [s for s in everyone if s.id.startswith("mistakes-")]
    return kinds + wrong[: CLASS_SIZE - len(kinds)]


if __name__ == "__main__":
    sys.exit(main())
