"""The manifest and its cross-check: an id in only one place, an empty hint, an unlisted file are errors."""

import dataclasses

import pytest
import tiny

from autograder.builder import crosscheck
from autograder.builder.__main__ import sources_errors
from utils.manifest import ROOT, Exercise, ManifestError, load

CHAPTER = tiny.CHAPTER


@pytest.fixture
def course(tmp_path):
    return tiny.make(tmp_path)


def errors_of(root):
    course = load(root)
    return sources_errors(course, [chapter.id for chapter in course.chapters])


def test_the_manifest_is_read_in_course_order(course):
    assert [exercise.id for exercise in course.exercises] == ["double", "triple"]
    triple = course.exercise("triple")
    assert triple == Exercise(
        id="triple",
        chapter=CHAPTER,
        points=1.5,
        minutes=10,
        difficulty=2,
        importance=1,
        stretch=True,
        needs=("double",),
        cells=("triple",),
        hints=("Once more.", "You have double.", "Use both."),
    )
    assert (triple.graded_points, course.exercise("double").graded_points) == (0.0, 2.0)
    assert course.chapter(CHAPTER).name == "tiny" and course.chapter(CHAPTER).minutes_sum == 40


def test_the_same_text_gives_the_same_object_and_an_edit_another(course):
    assert load(course.root) is course
    tiny.edit(course.root / "course.toml", "A tiny course", "A small course")
    assert load(course.root).title == "A small course"


def test_an_unknown_name_is_answered_with_the_known_ones(course):
    with pytest.raises(KeyError, match="no exercise 'dobule': choose one of double, triple"):
        course.exercise("dobule")
    with pytest.raises(KeyError, match="no chapter '02_tiny': choose one of 01_tiny"):
        course.chapter("02_tiny")


@pytest.mark.parametrize(("old", "new", "words"), [
    ("points = 1.5", "pionts = 1.5", "exercise 'triple' has an unknown key 'pionts'"),
    ("points = 1.5\n", "", "exercise 'triple' lacks points"),
    ("points = 1.5", 'points = "1.5"', "points = '1.5': give a number"),
    ("points = 1.5", "points = true", "points = True: give a number"),
    ("seconds = 60", "seconds = 60.5", "seconds = 60.5: give a whole number"),
    ("difficulty = 2\n", "", "exercise 'triple' lacks difficulty"),
    ("importance = 1\n", "", "exercise 'triple' lacks importance"),
    ("difficulty = 2", "difficulty = 2.5", "exercise 'triple' has difficulty = 2.5: give a whole number"),
    ("difficulty = 2", "difficulty = 4", "exercise 'triple' has difficulty = 4: give 1, 2 or 3"),
    ("importance = 1", "importance = 0", "exercise 'triple' has importance = 0: give 1, 2 or 3"),
    ("importance = 1", "importance = 3", "exercise 'triple' is a stretch exercise with importance = 3: give at most 2"),
    ("instant_feedback = true", "worked_answers = 1\ninstant_feedback = true", "worked_answers = 1: give true or false"),
    ("stretch = true", "stretch = 1", "stretch = 1: give true or false"),
    ('needs = ["double"]', "needs = [1]", r"needs = \[1\]: give a list of strings"),
    ('title = "Doubling"\n', "", "chapter '01_tiny' lacks title"),
    ("[course]", "[curse]", "the top level has an unknown key 'curse'"),
    ("[chapter.quiz]", "[chapter.quiz", "not valid TOML"),
    ("points = 2\nminutes = 5", "minutes = 5", "the written question of chapter '01_tiny' lacks points"),
])  # fmt: skip
def test_a_manifest_that_cannot_be_read_says_where(course, old, new, words):
    tiny.edit(course.root / "course.toml", old, new)
    with pytest.raises(ManifestError, match=words):
        load(course.root)


def test_a_missing_manifest_is_named(tmp_path):
    with pytest.raises(ManifestError, match="course.toml is missing"):
        load(tmp_path)


def test_a_course_in_order_has_no_errors(course):
    assert errors_of(course.root) == []


@pytest.mark.parametrize(("old", "new", "words"), [
    ('"Addition does it."', '"  "', "double has 2 hints: write three"),
    ('"Addition does it.", ', "", "double has 2 hints: write three"),
    ('id = "triple"', 'id = "double"', "the id 'double' is there 2 times"),
    ("minutes = 40", "minutes = 45", "01_tiny has minutes = 45, its parts sum to 40"),
    ("reading = 10", "reading = 0", "01_tiny gives 0 minutes to the reading"),
    ("points = 1.5\nminutes = 10", "points = 1.5\nminutes = 0", "triple has minutes = 0"),
    ("Use both.", "Use `double(value)`.", "hint 3 of triple holds a piece of the solution, double(value): say it in words"),
    ("Use both.", "Use `double.", "hint 3 of triple opens a backtick and does not close it"),
    ("points = 1.5", "points = 1.6", "triple has points = 1.6: give quarters"),
    ("points = 1.5", "points = 0", "triple has points = 0.0: give quarters"),
    ("prerequisites = []", 'prerequisites = ["00_none"]', "prerequisite '00_none', which is not an earlier chapter"),
    ("prerequisites = []", 'prerequisites = ["01_tiny"]', "prerequisite '01_tiny', which is not an earlier chapter"),
    ('needs = ["double"]', 'needs = ["half"]', "triple needs 'half', which is not an earlier exercise"),
    ('needs = ["double"]', 'needs = ["triple"]', "triple needs 'triple', which is not an earlier exercise"),
    ('needs = ["double"]', 'cells = ["triple", "triple-end"]', "the last one bears the exercise's id"),
    ("seconds = 60", "seconds = 0", "01_tiny has seconds = 0"),
    ("[chapter.written]\npoints = 2\nminutes = 5", "", "01_tiny has no written question"),
])  # fmt: skip
def test_what_the_manifest_says_must_be_possible(course, old, new, words):
    tiny.edit(course.root / "course.toml", old, new)
    assert any(words in error for error in errors_of(course.root)), errors_of(course.root)


@pytest.mark.parametrize(("old", "new", "words"), [
    ('# %% exercise="triple"', '# %% slug="triple"', 'a solution stands in a cell that is not an exercise'),
    ('# %% check="triple"\ncheck("triple")\n', "", 'no cell with check="triple"'),
    ('# %% [markdown] hints="triple"\n', "", 'no cell with hints="triple"'),
    ('# %% [markdown] quiz="questions"\n', "", 'no cell with quiz="questions"'),
    ('slug="written-question"', 'slug="question"', 'no cell with slug="written-question"'),
    (' tags=["setup"]', "", "the first code cell is the set-up"),
    ("from autograder import check, check_quiz, start\n", "import math\n", "the first code cell is the set-up"),
    ('# %% exercise="double"\n', '# %% check="double"\ncheck("double")\n\n# %% exercise="double"\n', "is taken by line"),
])  # fmt: skip
def test_what_the_script_lacks_or_has_too_much_is_an_error(course, old, new, words):
    tiny.edit(course.script(CHAPTER), old, new)
    assert any(words in error for error in errors_of(course.root)), errors_of(course.root)


def test_a_hint_may_name_what_the_learner_is_given_and_what_bears_a_name(course):
    tiny.edit(course.root / "course.toml", "Use both.", "Use `double` and `abs(value)`, of shape `(batch, seq)`, `*`.")
    assert errors_of(course.root) == []


def test_an_exercise_that_only_the_manifest_has_is_an_error(course):
    tiny.edit(
        course.root / "course.toml",
        "[chapter.quiz]",
        """[[chapter.exercise]]
id = "half"
points = 1
minutes = 0
difficulty = 1
importance = 1
hints = ["", "", ""]

[chapter.quiz]""",
    )
    errors = errors_of(course.root)
    for words in ('no cell with exercise="half"', 'no cell with check="half"', "half has 0 hints", "half has minutes = 0"):
        assert any(words in error for error in errors), errors


def test_cells_of_an_exercise_in_the_wrong_order_are_an_error(course):
    tiny.edit(course.script(CHAPTER), '# %% [markdown] hints="triple"\n', "")
    tiny.edit(course.script(CHAPTER), "# %% [markdown] quiz", '# %% [markdown] hints="triple"\n\n# %% [markdown] quiz')
    assert errors_of(course.root) == ["01_tiny.py: the cells of triple stand in the wrong order: hints, solution, check"]


def test_an_exercise_may_span_several_cells(course):
    tiny.edit(course.root / "course.toml", 'needs = ["double"]', 'cells = ["triple-helper", "triple"]')
    assert any('no cell with exercise="triple-helper"' in error for error in errors_of(course.root))
    tiny.edit(
        course.script(CHAPTER),
        '# %% exercise="triple"\n',
        """# %% exercise="triple-helper"
### BEGIN SOLUTION
helper = 3
### END SOLUTION

# %% exercise="triple"
""",
    )
    assert errors_of(course.root) == []


@pytest.mark.parametrize(("path", "words"), [
    ("solutions/01_tiny/notes.md", "solutions/01_tiny/notes.md is listed nowhere"),
    ("solutions/01_tiny/deep/data.csv", "solutions/01_tiny/deep/data.csv is listed nowhere"),
    ("solutions/02_other/02_other.py", "solutions/02_other belongs to no chapter"),
    ("notebooks/02_other/02_other.ipynb", "notebooks/02_other belongs to no chapter"),
    ("autograder/quiz/keys/02_other.json", "autograder/quiz/keys/02_other.json belongs to no chapter"),
    ("autograder/components/other.json", "autograder/components/other.json belongs to no exercise"),
    ("autograder/components/other.toml", "autograder/components/other.toml belongs to no exercise"),
    ("autograder/components/other.py", "autograder/components/other.py belongs to no exercise"),
    ("utils/reference/other.py", "utils/reference/other.py belongs to no exercise"),
])  # fmt: skip
def test_an_unlisted_file_is_an_error(course, path, words):
    (course.root / path).parent.mkdir(parents=True, exist_ok=True)
    (course.root / path).write_text("")
    assert any(words in error for error in errors_of(course.root)), errors_of(course.root)


@pytest.mark.parametrize(
    "name", [f"{CHAPTER}.py", "misconceptions.py", "variants.py", "uncatalogued.py", "hidden_checks.py", "quiz.toml"]
)
def test_a_missing_file_of_a_chapter_is_an_error(course, name):
    (course.source_folder(CHAPTER) / name).unlink()
    assert any(f"solutions/01_tiny/{name} is missing" in error for error in errors_of(course.root))


def test_a_quiz_has_five_to_eight_questions(course):
    path = course.source_folder(CHAPTER) / "quiz.toml"
    path.write_text(path.read_text().rpartition("[[question]]")[0])
    assert errors_of(course.root) == ["01_tiny/quiz.toml has 4 questions: write five to eight"]


def test_a_key_that_ships_without_instant_feedback_is_an_error(course):
    key = course.root / "autograder" / "quiz" / "keys" / "01_tiny.json"
    key.parent.mkdir(exist_ok=True)
    key.write_text("{}")
    assert errors_of(course.root) == []
    tiny.edit(course.root / "course.toml", "instant_feedback = true", "instant_feedback = false")
    assert any("ships although instant_feedback is off" in error for error in errors_of(course.root))


# The course itself

CHAPTERS = [chapter.id for chapter in load().chapters]


def test_nothing_in_the_course_is_listed_in_one_place_alone():
    assert errors_of(ROOT) == []


def test_what_a_later_chapter_takes_from_the_learner_is_important():
    """As important as it can be: 3, or 2 for a stretch exercise, without which the reference stands in."""
    home = {exercise.id: exercise for exercise in load().exercises}
    taken = {name for exercise in load().exercises for name in exercise.needs if home[name].chapter != exercise.chapter}
    assert len(taken) > 10
    assert {name: home[name].importance for name in taken} == {name: 2 if home[name].stretch else 3 for name in taken}


def spoiled(chapter_id, **changes):
    """The course with other values for the first exercise of a chapter."""
    course = load()
    chapters = []
    for chapter in course.chapters:
        first, *others = chapter.exercises
        if chapter.id == chapter_id:
            chapter = dataclasses.replace(chapter, exercises=(dataclasses.replace(first, **changes), *others))
        chapters.append(chapter)
    return dataclasses.replace(course, chapters=tuple(chapters))


@pytest.mark.parametrize("chapter_id", CHAPTERS)
def test_points_of_the_laws_that_differ_from_the_manifest_are_an_error(chapter_id):
    name = load().chapter(chapter_id).exercises[0].id
    errors = crosscheck.component_errors(spoiled(chapter_id, points=99.0), chapter_id)
    assert any(f"the laws of {name} add up to" in error and "99.0" in error for error in errors), errors


@pytest.mark.parametrize("chapter_id", CHAPTERS)
def test_a_component_that_only_the_checks_or_only_the_manifest_has_is_an_error(chapter_id):
    name = load().chapter(chapter_id).exercises[0].id
    course = spoiled(chapter_id, id="renamed")
    errors = [*crosscheck.component_errors(course, chapter_id), *crosscheck.unlisted(course)]
    assert any("autograder/components/renamed.py is missing" in error for error in errors), errors
    for place in (f"autograder/components/{name}.py", f"autograder/components/{name}.toml", f"utils/reference/{name}.py"):
        assert any(f"{place} belongs to no exercise of course.toml" in error for error in errors), errors
    assert any(f"speaks of {name!r}" in error for error in errors), errors


def test_a_catalogue_id_without_a_wrong_answer_or_sentence_is_an_error():
    errors = list(
        crosscheck._catalogue(
            "01_tiny", "double", {"squares", "halves"}, {"changes-input"}, {"squares", "changes-input", "cubes"}
        )
    )
    assert errors == [
        "solutions/01_tiny/misconceptions.py has no wrong answer for 'halves' of double: write one",
        "autograder/components/double.toml has no sentence for 'cubes' of double: write it",
    ]
