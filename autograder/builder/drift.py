"""Whether what is made from a chapter is as a build would make it now, outputs aside. Executes nothing."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.builder.execute import code_cells, problems
from autograder.builder.quiz_cells import key_text
from autograder.builder.release import folder_bytes, release
from autograder.builder.script import expand
from autograder.quiz.marks import key_file
from utils.manifest import ROOT, Course


def stale(course: Course, chapter_id: str) -> list[str]:
    """A sentence for each product that is not in step with its source."""
    found = [*_solution(course, chapter_id), *_key(course, chapter_id)]
    if course.root == ROOT:
        found += _fingerprints(course, chapter_id)
    if not found:
        found += _release(course, chapter_id)
    return found


def without_outputs(notebook: NotebookNode) -> str:
    """The notebook as text, outputs and execution counts left out."""
    bare = nbformat.from_dict(json.loads(nbformat.writes(notebook)))
    for cell in code_cells(bare):
        cell.outputs, cell.execution_count = [], None
    return nbformat.writes(bare)


def read_notebook(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def _solution(course: Course, chapter_id: str) -> Iterator[str]:
    path = course.solution_notebook(chapter_id)
    place = path.relative_to(course.root)
    if not path.is_file():
        yield f"{place} is missing"
        return
    committed = read_notebook(path)
    if without_outputs(committed) != without_outputs(expand(course, chapter_id)):
        yield f"{place} is not what its script makes"
        return
    counts = [cell.execution_count for cell in code_cells(committed)]
    if counts != list(range(1, len(counts) + 1)):
        yield f"{place} was not executed from top to bottom"
    else:
        yield from problems(course, chapter_id, committed)


def quiz_key_is_stale(course: Course, chapter_id: str) -> bool:
    path = key_file(chapter_id, course.root)
    there = path.read_text(encoding="utf-8") if path.is_file() else None
    return there != key_text(course, chapter_id)


def _key(course: Course, chapter_id: str) -> Iterator[str]:
    if quiz_key_is_stale(course, chapter_id):
        place = key_file(chapter_id, course.root).relative_to(course.root)
        yield f"{place} is not what quiz.toml and instant_feedback make"


def _fingerprints(course: Course, chapter_id: str) -> Iterator[str]:
    from autograder.framework import fingerprints

    for name, made in fingerprints.made(chapter_id).items():
        if not _same_fingerprints(made, fingerprints.shipped(name), fingerprints.alike):
            yield f"autograder/components/{name}.json is not what misconceptions.py makes"


def _same_fingerprints(made: dict, shipped: dict, alike: Callable[[dict, dict], bool]) -> bool:
    """{id: [{probe: outcome}]} twice; versions agree within the diagnosis' own tolerance."""
    if list(made) != list(shipped) or any(len(made[id]) != len(shipped[id]) for id in made):
        return False
    return all(alike(one, other) for id in made for one, other in zip(made[id], shipped[id], strict=True))


def _release(course: Course, chapter_id: str) -> Iterator[str]:
    folder = course.released_notebook(chapter_id).parent
    made, there = release(course, chapter_id), folder_bytes(folder)
    for name in sorted(made.keys() | there.keys()):
        place = (folder / name).relative_to(course.root)
        if name not in there:
            yield f"{place} is missing"
        elif name not in made:
            yield f"{place} is not part of the release"
        elif made[name] != there[name]:
            yield f"{place} is not what nbgrader makes of the solution notebook"
