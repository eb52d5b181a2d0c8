"""Every misconception of the catalogue is failed and named by its id; every right answer in another style passes."""

import pytest

from autograder import matrix
from autograder.framework import catalogue, diagnosis
from autograder.framework.component import component
from utils.manifest import load

CHAPTERS = [chapter.id for chapter in load().chapters]
pytestmark = pytest.mark.timeout(900)  # the first test of a chapter judges all its known answers


@pytest.fixture(scope="module")
def rows():
    found = {}

    def of(chapter):
        if chapter not in found:
            found[chapter] = matrix.rows(chapter)
        return found[chapter]

    return of


def of_kind(found, kind):
    return [row for row in found if row.kind is kind]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_misconception_is_failed_and_named_right(rows, chapter):
    wrong = of_kind(rows(chapter), matrix.Kind.MISCONCEPTION)
    assert wrong
    assert [(row.answer, row.id, row.named, row.faults) for row in wrong if not row.right] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_no_right_answer_is_accused(rows, chapter):
    right = of_kind(rows(chapter), matrix.Kind.VARIANT)
    assert {row.component for row in right} == {exercise.id for exercise in load().chapter(chapter).exercises}
    full = {name: component(name).points for name in {row.component for row in right}}
    assert [(row.answer, row.checks) for row in right if not row.right or row.points != full[row.component]] == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_mistake_that_no_id_fits_is_failed_and_given_no_name(rows, chapter):
    others = of_kind(rows(chapter), matrix.Kind.UNCATALOGUED)
    assert {row.component for row in others} == {exercise.id for exercise in load().chapter(chapter).exercises}
    assert [(row.answer, row.failed, row.named) for row in others if not row.right] == []


@pytest.mark.slow
@pytest.mark.parametrize("chapter", CHAPTERS)
def test_under_grading_each_fails_with_the_same_name(chapter):
    assert [(row.answer, row.failed, row.named) for row in matrix.rows(chapter, hidden=True) if not row.right] == []


def test_the_closing_line_counts_each_kind(rows):
    found = rows(CHAPTERS[0])
    line = matrix.closing_line(found)
    for kind, word in ((matrix.Kind.MISCONCEPTION, "misconceptions"), (matrix.Kind.VARIANT, "right answers")):
        assert f"{len(of_kind(found, kind))} {word}" in line


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_id_of_the_catalogue_has_a_wrong_answer(chapter):
    assert diagnosis.uncovered(chapter) == []


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_every_component_can_be_accused_of_what_any_component_can_do(rows, chapter):
    examples = {(row.component, row.id) for row in rows(chapter)}
    forbidding = [e.id for e in load().chapter(chapter).exercises if component(e.id).forbids]
    assert all((name, "uses-builtin") in examples for name in forbidding)


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_points_are_quarters_and_every_sentence_ends(chapter):
    for exercise in load().chapter(chapter).exercises:
        laws = component(exercise.id).laws
        assert all((law.points * 4).is_integer() and law.hint.strip().endswith((".", "?", "!")) for law in laws)
        assert len({law.name for law in laws}) == len(laws)
        for id in catalogue.ids(exercise.id):
            sentence = catalogue.sentence(exercise.id, id)
            assert sentence.endswith((".", "?")) and len(sentence) > 40
