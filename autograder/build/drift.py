"""Whether what is made from a chapter is as a build would make it now, outputs aside. Executes nothing."""

import json
from collections.abc import Iterator

import nbformat
from nbformat.notebooknode import NotebookNode

from autograder.build.execute import code_cells, problems
from autograder.build.quiz_cells import key_text
from autograder.build.release import folder_bytes, release
from autograder.build.script import expand
from autograder.manifest import ROOT, Course
from autograder.quiz import key_file


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


def read_notebook(path) -> NotebookNode:
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


def _key(course: Course, chapter_id: str) -> Iterator[str]:
    path = key_file(chapter_id, course.root)
    there = path.read_text(encoding="utf-8") if path.is_file() else None
    if there != key_text(course, chapter_id):
        yield f"{path.relative_to(course.root)} is not what quiz.toml and instant_feedback make"


def _fingerprints(course: Course, chapter_id: str) -> Iterator[str]:
    from autograder import diagnosis

    made, shipped = diagnosis.fingerprints(chapter_id), diagnosis.read_fingerprints(chapter_id)
    if not _same_fingerprints(made, shipped, diagnosis.same):
        yield f"autograder/fingerprints/{chapter_id}.json is not what misconceptions.py makes"


def _same_fingerprints(made: dict, shipped: dict, same) -> bool:
    """{component: {id: [{probe: outcome}]}} twice; outcomes agree within the diagnosis' own tolerance."""

    def shape(prints: dict) -> list:
        return [
            (name, id, [list(version) for version in versions]) for name, ids in prints.items() for id, versions in ids.items()
        ]

    def outcomes(prints: dict) -> list:
        return [
            outcome
            for ids in prints.values()
            for versions in ids.values()
            for version in versions
            for outcome in version.values()
        ]

    return shape(made) == shape(shipped) and all(map(same, outcomes(made), outcomes(shipped)))


def _release(course: Course, chapter_id: str) -> Iterator[str]:
    folder = course.released_notebook(chapter_id).parent
    made, there = release(course, chapter_id), folder_bytes(folder)
    for name in sorted(made.keys() | there.keys()):
        place = (folder / name).relative_to(course.root)
        if name not in there:
            yield f"{place} is missing"
        elif name not in made:
            yield f"{place} is no part of the release"
        elif made[name] != there[name]:
            yield f"{place} is not what nbgrader makes of the solution notebook"
