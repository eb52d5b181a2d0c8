"""`python -m autograder`: check files, show a worked answer, grade a notebook or a class, report on a class, print the matrix
of misconceptions.
"""

import argparse
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from autograder import course_first
from autograder.terminal import speak_plainly

if TYPE_CHECKING:
    from autograder.framework.verdict import Fault

PASSED, FAILED, WRONG_USAGE, FAULT = 0, 1, 2, 3  # FAULT: a check of the course itself is broken


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    course_first()
    speak_plainly()
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except BrokenPipeError:
        sys.stderr.close()
        return FAILED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m autograder", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="check a component in plain Python files")
    check.add_argument("component")
    check.add_argument("files", nargs="+", metavar="FILE")
    check.add_argument("--jobs", type=int, default=2, metavar="N", help="files at the same time (default 2)")
    check.set_defaults(run=_check)
    solution = commands.add_parser("solution", help="print the worked answer of a component or an open task")
    solution.add_argument("name", metavar="NAME")
    solution.set_defaults(run=_solution)
    grade = commands.add_parser("grade", help="grade one learner notebook")
    grade.add_argument("notebook")
    grade.set_defaults(run=_grade)
    matrix = commands.add_parser("matrix", help="misconceptions and right answers: failed? named right?")
    matrix.add_argument("chapters", nargs="*", metavar="CHAPTER")
    matrix.add_argument("--component", metavar="NAME", help="the answers to one component only")
    matrix.set_defaults(run=_matrix)
    lines = commands.add_parser("lines", help="what a component costs: lines of laws, reference, wrong and right answers")
    lines.set_defaults(run=_lines)
    autograde = commands.add_parser("autograde", help="grade a class as `nbgrader autograde` does, on the course's engine")
    autograde.add_argument("chapter", metavar="CHAPTER", help="or another assignment of the course directory")
    autograde.add_argument("--student", action="append", default=[], metavar="ID", help="this learner alone; may be repeated")
    autograde.add_argument("--force", action="store_true", help="those too that are graded already")
    autograde.add_argument("--jobs", type=int, metavar="N", help="submissions at the same time (default: one a processor)")
    autograde.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster, whose workers grade")
    autograde.add_argument(
        "--unsafe-no-sandbox", action="store_true", help="grade where there is no sandbox; the report says so of each mark"
    )
    autograde.set_defaults(run=_autograde)
    report = commands.add_parser("report", help="a graded class: marks, and what the marks came from")
    report.add_argument("chapter", metavar="CHAPTER", help="or another assignment of the course directory")
    report.set_defaults(run=_report)
    for command in (check, grade, matrix, report):
        command.add_argument("--json", action="store_true", help="one JSON object a line")
    return parser


def _check(arguments: argparse.Namespace) -> int:
    from autograder.framework.isolation import server

    server.start()
    from autograder import render
    from autograder.files import check_files
    from utils.manifest import load

    known = [exercise.id for exercise in load().exercises]
    if arguments.component not in known:
        return _wrong(f"unknown component {arguments.component!r}: choose one of {', '.join(known)}")
    if arguments.jobs < 1:
        return _wrong(f"--jobs {arguments.jobs}: give 1 or more")
    missing = [file for file in arguments.files if not Path(file).is_file()]
    if missing:
        return _wrong(f"no such file: {', '.join(missing)}")
    passed = True
    faults: list[Fault] = []
    for file, verdict in check_files(arguments.component, arguments.files, arguments.jobs):
        passed = passed and verdict.passed
        print(
            json.dumps({"file": file, **verdict.as_dict()}) if arguments.json else f"{file}\n{render.text(verdict)}",
            flush=True,
        )
        faults += verdict.faults
    return _told(faults) if faults else PASSED if passed else FAILED


def _told(faults: "Iterable[Fault]") -> int:
    """Shows each fault of the course with its traceback, once, and returns the exit code for it."""
    for fault in {fault.traceback: fault for fault in faults}.values():
        print(f"A fault of the course's own, in the check “{fault.law}”:\n{fault.traceback}", file=sys.stderr)
    return FAULT


def _solution(arguments: argparse.Namespace) -> int:
    from autograder.framework.solutions import worked_answers
    from utils.manifest import load, near

    course = load()
    answers = worked_answers(course)
    names = [answer.name for answer in answers]
    if not answers:
        print("This copy of the course has no worked answers: ask your instructor.", file=sys.stderr)
        return WRONG_USAGE
    if arguments.name not in names:
        close = near(arguments.name, names)
        words = f"did you mean {', '.join(close)}?" if close else f"choose one of {', '.join(names)}."
        print(f"No exercise {arguments.name!r}: {words}", file=sys.stderr)
        return WRONG_USAGE
    for answer in answers:
        if answer.name == arguments.name:
            number, title = answer.chapter.partition("_")[0], course.chapter(answer.chapter).title
            print(f"# A worked answer to {answer.name}, of chapter {number}: {title}\n\n{answer.source}")
    return PASSED


def _grade(arguments: argparse.Namespace) -> int:
    from autograder.framework.isolation import server

    server.start()
    from autograder import grade
    from autograder.submission.reading import NotGradable

    if not Path(arguments.notebook).is_file():
        return _wrong(f"no such file: {arguments.notebook}")
    try:
        graded = grade.grade_notebook(Path(arguments.notebook))
    except NotGradable as problem:
        if arguments.json:
            print(
                json.dumps(
                    {
                        "notebook": arguments.notebook,
                        "points": 0.0,
                        "max_points": 0.0,
                        "cells": [],
                        "problem": str(problem),
                    }
                )
            )
        else:
            print(f"{arguments.notebook}: {problem}")
        return FAILED
    print(json.dumps(graded.as_dict()) if arguments.json else grade.text(graded))
    return _told(graded.faults) if graded.faults else PASSED


def _matrix(arguments: argparse.Namespace) -> int:
    from autograder import matrix
    from utils.manifest import load

    chapters, problem = _chapters(arguments.chapters)
    if problem:
        return _wrong(problem)
    known = [exercise.id for exercise in load().exercises]
    if arguments.component is not None and arguments.component not in known:
        return _wrong(f"unknown component {arguments.component!r}: choose one of {', '.join(known)}")
    found = [row for chapter in chapters for row in matrix.rows(chapter, arguments.component)]
    print("\n".join(json.dumps(row.as_dict()) for row in found) if arguments.json else matrix.text(found))
    return PASSED if found and all(row.right for row in found) else FAILED


def _lines(arguments: argparse.Namespace) -> int:
    from autograder import lines
    from utils.manifest import load

    print(lines.text(lines.count(load())))
    return PASSED


def _autograde(arguments: argparse.Namespace) -> int:
    from autograder.classroom.engine.workers import DaskWorkers, LocalWorkers, Workers, processors
    from autograder.framework.isolation import sandbox

    if arguments.jobs is not None and arguments.jobs < 1:
        return _wrong(f"--jobs {arguments.jobs}: give 1 or more")
    workers: Workers | None = None
    if arguments.scheduler:
        try:
            workers = DaskWorkers(arguments.scheduler)
        except ImportError:
            return _wrong("--scheduler needs Dask: pip install -c requirements-maintain.txt distributed")
        except (OSError, ValueError) as problem:
            return _wrong(f"--scheduler {arguments.scheduler}: {problem}")
    elif arguments.unsafe_no_sandbox or sandbox.why_not() is None:  # they import PyTorch, and meanwhile nbgrader is imported here
        workers = LocalWorkers(arguments.jobs or processors(), arguments.unsafe_no_sandbox)
    from autograder.classroom.engine import coordinator, outcome, stopping

    try:
        graded = coordinator.autograde(
            arguments.chapter, arguments.student, arguments.force, arguments.jobs, workers, arguments.unsafe_no_sandbox
        )
    except stopping.CannotStart as problem:
        return _wrong(str(problem))
    finally:
        if workers is not None:
            workers.close()
    print(outcome.text(graded))
    for trace in dict.fromkeys(trace for traces in graded.faults.values() for trace in traces):
        print(f"A fault of the course's own:\n{trace}", file=sys.stderr)
    return FAULT if graded.faults else FAILED if graded.problems or graded.stopped else PASSED


def _report(arguments: argparse.Namespace) -> int:
    from autograder.classroom import report

    try:
        found = report.read(arguments.chapter)
    except report.NoClass as reason:
        return _wrong(str(reason))
    print(json.dumps(found.as_dict()) if arguments.json else report.text(found))
    return PASSED


def _chapters(wanted: list[str]) -> tuple[list[str], str | None]:
    """(chapter ids, None), or ([], a sentence) when one is unknown. None wanted: all."""
    from utils.manifest import load

    known = [chapter.id for chapter in load().chapters]
    unknown = [chapter for chapter in wanted if chapter not in known]
    if unknown:
        return [], f"unknown chapter {', '.join(unknown)}: choose from {', '.join(known)}"
    return wanted or known, None


def _wrong(message: str) -> int:
    print(f"python -m autograder: {message}", file=sys.stderr)
    return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main())
