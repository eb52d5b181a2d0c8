"""`python -m autograder.builder [CHAPTER …] [--check | --no-execute | --words]`."""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.builder import crosscheck
from autograder.builder.drift import quiz_key_is_stale, read_notebook, stale
from autograder.builder.execute import GIGABYTE, ExecutionError, code_cells, execute
from autograder.builder.leak import leaks, read_released
from autograder.builder.quiz_cells import write_key
from autograder.builder.release import ReleaseError, write_release
from autograder.builder.script import ScriptError, expand
from autograder.folder import unfit
from autograder.quiz.marks import QuizError
from autograder.terminal import speak_plainly
from utils.manifest import ROOT, Course, ManifestError, load

REPAIR = "python3 course.py build"


def main(arguments: list[str] | None = None) -> int:
    """Exit 0 when all is built (or in step), 1 when something is wrong, 2 on wrong usage."""
    speak_plainly()
    problem = unfit(ROOT)
    if problem:
        print(problem, file=sys.stderr)
        return 1
    parser = argparse.ArgumentParser(prog="python -m autograder.builder", description="Builds the notebooks of the course.")
    parser.add_argument("chapters", nargs="*", metavar="CHAPTER", help="chapters to build (default: all)")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="compare what is there with its sources; change nothing")
    how.add_argument(
        "--no-execute",
        action="store_true",
        help="keep the outputs of the cells above the first changed one, and run nothing",
    )
    how.add_argument(
        "--words",
        action="store_true",
        help="bring the prose and the hints alone into the executed notebooks; refused where code has changed",
    )
    options = parser.parse_args(arguments)
    try:
        course = load(ROOT)
    except ManifestError as error:
        return _complain([str(error)], "Correct course.toml.")
    known = [chapter.id for chapter in course.chapters]
    unknown = [name for name in options.chapters if name not in known]
    if unknown:
        parser.error(f"course.toml lists no chapter {unknown[0]!r}: choose from {', '.join(known)}")
    chapters = options.chapters or known
    if options.check:
        return check(course, chapters)
    return build(course, chapters, make=words_alone if options.words else partial(build_chapter, run=not options.no_execute))


def check(course: Course, chapters: list[str]) -> int:
    """Cross-check, comparison and leak test; every finding is one line."""
    errors = sources_errors(course, chapters)
    if errors:
        return _complain(errors, f"Correct the sources, then run {REPAIR} {' '.join(chapters)}")
    try:
        drift = {chapter: stale(course, chapter) for chapter in chapters}
    except ReleaseError as error:
        return _complain([str(error)], f"Correct it, then run {REPAIR} {' '.join(chapters)}")
    behind = [chapter for chapter in chapters if drift[chapter]]
    if behind:
        return _complain(
            [line for lines in drift.values() for line in lines],
            f"Stale. Repair with: {REPAIR} {' '.join(behind)}",
        )
    errors = leak_errors(course, chapters)
    if errors:
        return _complain(errors, f"Take the secret out of its source, then run {REPAIR} {' '.join(chapters)}")
    print(f"In step: {', '.join(chapters)}")
    return 0


def sources_errors(course: Course, chapters: list[str]) -> list[str]:
    """The cross-check of the whole manifest and of these chapters."""
    errors = [*crosscheck.manifest_errors(course), *crosscheck.unlisted(course)]
    for chapter in chapters:
        errors += crosscheck.chapter_errors(course, chapter)
        if course.root == ROOT:
            errors += crosscheck.component_errors(course, chapter)
    return errors


def leak_errors(course: Course, chapters: list[str]) -> list[str]:
    released = read_released(course)
    return [error for chapter in chapters for error in leaks(chapter, course.root, released)]


def build(course: Course, chapters: list[str], make: Callable[[Course, str], str] | None = None) -> int:
    """Builds each chapter with `make`, `build_chapter` where none is given; stops at the first that cannot be
    built. Ends with the cross-check and the leak test.
    """
    make = make or build_chapter
    for chapter in chapters:
        started = time.monotonic()
        try:
            print(
                f"{chapter}: {make(course, chapter)} ({time.monotonic() - started:.0f} s)",
                flush=True,
            )
        except (ScriptError, QuizError, ExecutionError, ReleaseError) as error:
            return _complain(str(error).splitlines(), f"{chapter} was not built. Correct it, then run {REPAIR} {chapter}")
    errors = [*sources_errors(course, chapters), *leak_errors(course, chapters)]
    if errors:
        return _complain(errors, f"Built, but not in order. Correct it, then run {REPAIR} {' '.join(chapters)}")
    return 0


def build_chapter(course: Course, chapter: str, run: bool = True) -> str:
    """Makes everything that is made from one chapter; says how in a few words."""
    notebook = expand(course, chapter)
    write_key(course, chapter)
    if course.root == ROOT:
        from autograder.framework import fingerprints

        fingerprints.write(chapter)
    path = course.solution_notebook(chapter)
    if run:
        done = execute(course, chapter, notebook)
        budget = course.chapter(chapter).seconds
        memory = f"{done.peak_bytes / GIGABYTE:.1f} GB of memory"
        words = f"executed in {done.cpu_seconds:.0f} of {budget} CPU seconds and {memory}, released"
    else:
        kept = keep_outputs(notebook, read_notebook(path)) if path.is_file() else 0
        words = f"not executed, {kept} of {len(code_cells(notebook))} outputs kept, released"
    _write(course, chapter, notebook)
    return words


def words_alone(course: Course, chapter: str) -> str:
    """Puts the markdown of the sources into the executed notebook, whose outputs stay; `ScriptError` where
    they would not be those of its code.
    """
    notebook, path = expand(course, chapter), course.solution_notebook(chapter)
    made, there = code_cells(notebook), code_cells(read_notebook(path)) if path.is_file() else []
    changed = [f"the cell {cell.id}" for cell, old in zip(made, there, strict=False) if _bare(cell) != _bare(old)]
    if len(made) != len(there):
        changed = changed or ["the number of code cells"]
    if [cell.execution_count for cell in there] != list(range(1, len(there) + 1)):
        changed.append("what was executed")
    if quiz_key_is_stale(course, chapter):
        changed.append("the quiz, whose check shows its sentences,")
    if changed:
        raise ScriptError(f"{chapter}: more than words has changed: {changed[0]} is not as in the executed notebook: build it")
    keep_outputs(notebook, read_notebook(path))
    _write(course, chapter, notebook)
    return f"words alone, all {len(made)} outputs kept, released"


def _bare(cell: NotebookNode) -> tuple:
    return cell.id, cell.source, cell.metadata


def _write(course: Course, chapter: str, notebook: NotebookNode) -> None:
    course.solution_notebook(chapter).write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
    write_release(course, chapter)


def keep_outputs(notebook: NotebookNode, before: NotebookNode) -> int:
    """Takes over the outputs of `before` down to the first code cell that has changed; returns how many."""
    kept = 0
    for cell, old in zip(code_cells(notebook), code_cells(before), strict=False):
        if (cell.id, cell.source) != (old.id, old.source):
            break
        cell.outputs, cell.execution_count = old.outputs, old.execution_count
        kept += 1
    return kept


def _complain(errors: list[str], last: str) -> int:
    print("\n".join([*errors, last]), file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
