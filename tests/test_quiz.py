"""The quiz: feedback in the notebook, the sealed key, and points read from a submitted cell."""

import json

import pytest
import tiny
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from autograder import display
from autograder.builder.quiz_cells import key_text, write_key
from autograder.quiz import marks as quiz
from autograder.quiz.display import card
from utils.manifest import load

CHAPTER = tiny.CHAPTER
RIGHT = {f"q{number}": letter for number, letter in enumerate(tiny.LETTERS, 1)}


@pytest.fixture
def course(tmp_path):
    return tiny.make(tmp_path)


@pytest.fixture
def learners_course(course):
    """What a learner has: the sealed key and no solutions."""
    write_key(course, CHAPTER)
    quiz.questions_file(CHAPTER, course.root).unlink()
    return course


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """IPython's shell without a history, so that nothing is left in the home folder."""
    config = Config({"HistoryManager": {"enabled": False}})
    yield InteractiveShell.instance(config=config, ipython_dir=str(tmp_path_factory.mktemp("ipython")))
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(monkeypatch, shell):
    """Runs `check_quiz` as a cell does, with `answers` in the notebook; gives its value, text, HTML and stderr."""

    def run(course, **variables):
        monkeypatch.setattr(shell, "user_ns", variables)
        with capture_output() as captured:
            points = quiz.check_quiz(CHAPTER, course.root)
        (output,) = captured.outputs
        return points, output.data["text/plain"], output.data["text/html"], captured.stderr

    return run


def test_right_answers_earn_a_quarter_each_and_every_choice_gets_its_sentence(learners_course, notebook):
    points, text, html, stderr = notebook(learners_course, answers=RIGHT | {"q2": "a"})
    assert type(points) is float and points == 1.0 and stderr == ""
    assert "ok   q1, right\n       Sentence b of question 1, shown when chosen." in text
    assert "no   q2, not yet\n       Sentence a of question 2, shown when chosen." in text
    assert "1 of 1.25 points" in text and "1 of 1.25 points" in html
    assert "Sentence c of question 2" not in text + html  # what the right one says stays for who finds it


def test_letters_may_be_capitals_or_have_blanks_and_a_bracket(learners_course, notebook):
    sloppy = {question: f" {letter.upper()}) " for question, letter in RIGHT.items()}
    assert notebook(learners_course, answers=sloppy)[0] == 1.25


def test_an_untouched_quiz_earns_nothing_and_is_invited_to_start(learners_course, notebook):
    points, text, _, _ = notebook(learners_course, answers=dict.fromkeys(RIGHT, ""))
    assert points == 0.0 and text.count("not answered yet: put one of a, b, c between its quotes") == 5


def test_a_quiz_cell_that_has_not_run_is_named(learners_course, notebook):
    points, text, _, _ = notebook(learners_course)
    assert points == 0.0 and "run the cell above this one first" in text


@pytest.mark.parametrize(("answers", "words", "points"), [
    ("b c a b c", "answers is not a dict", 0.0),
    (["b"], "answers is not a dict", 0.0),
    (RIGHT | {"q1": "z"}, "'z' is not an option: choose one of a, b, c", 1.0),
    (RIGHT | {"q1": "ab"}, "'ab' is not an option", 1.0),
    (RIGHT | {"q1": 2}, "give the letter between quotes", 1.0),
    (RIGHT | {"q1": ["b"]}, "give the letter between quotes", 1.0),
    (RIGHT | {"q9": "b"}, "'q9' is not a question of this quiz", 1.25),
    ({}, "not answered yet", 0.0),
    (RIGHT | {"q1": "<b>" * 10_000}, "is not an option", 1.0),
])  # fmt: skip
def test_a_malformed_answer_gets_a_sentence_and_the_others_count(learners_course, notebook, answers, words, points):
    got, text, html, stderr = notebook(learners_course, answers=answers)
    assert got == points and words in text and stderr == ""
    assert "<b><b>" not in html and len(text) < 2000


def test_the_instructors_course_reads_quiz_toml_and_gives_the_same(course, notebook):
    assert notebook(course, answers=RIGHT)[0] == 1.25


def test_without_instant_feedback_no_key_ships_and_the_learner_is_told(learners_course, notebook):
    tiny.edit(learners_course.root / "course.toml", "instant_feedback = true", "instant_feedback = false")
    quiz.questions_file(CHAPTER, learners_course.root).write_text(tiny.QUIZ)
    silent = load(learners_course.root)
    assert key_text(silent, CHAPTER) is None
    assert not write_key(silent, CHAPTER).exists()
    quiz.questions_file(CHAPTER, silent.root).unlink()
    points, text, _, _ = notebook(silent, answers=RIGHT)
    assert points == 0.0 and "graded in class" in text and "Sentence" not in text


def test_the_shipped_key_opens_to_the_same_and_does_not_read(course):
    text = key_text(course, CHAPTER)
    key = quiz.key_of(quiz.read_questions(quiz.questions_file(CHAPTER, course.root)))
    sealed = json.loads(text)["questions"]
    assert quiz.unseal(CHAPTER, sealed) == key
    assert key_text(course, CHAPTER) == text  # and is the same at every build
    for readable in ("Sentence", "right", "says", "true", "false"):
        assert readable not in text
    entries = [entry for options in sealed.values() for entry in options.values()]
    assert len(set(entries)) == len(entries)
    assert len({len(entry) for entry in entries}) == 1  # the length tells right from wrong no more


@pytest.mark.parametrize(("old", "new", "words"), [
    ('answer = "b"', 'answer = "e"', "the answer of q1 is 'e'"),
    ('answer = "b"', "", "q1 lacks answer"),
    ('id = "q2"', 'id = "q1"', "q1 is there twice"),
    ('says = "Sentence a of question 1, shown when chosen."', 'says = " "', "option a of q1 lacks says"),
    ('c = { text = "a third text", says = "Sentence c of question 1, shown when chosen." }', "", "three to five"),
    ("[[question]]", "[[question]", "not valid TOML"),
])  # fmt: skip
def test_an_incomplete_quiz_file_is_named(course, old, new, words):
    path = quiz.questions_file(CHAPTER, course.root)
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(quiz.QuizError, match=words):
        quiz.read_questions(path)


def source(answers):
    return f"# One letter for each question.\nanswers = {answers!r}\n"


def test_points_are_read_from_the_source_of_a_submitted_cell(course):
    points, message, shown = quiz.quiz_marks(CHAPTER, [source(RIGHT)], course.root)
    assert (points, message) == (1.25, "5 of 5 answers right") and "1.25 of 1.25 points" in display.text(shown)
    points, message, _ = quiz.quiz_marks(CHAPTER, [source(RIGHT | {"q1": "", "q2": "x"})], course.root)
    assert points == 0.75
    assert "3 of 5 answers right" in message and "q1: not answered yet" in message and "'x' is not an option" in message


@pytest.mark.parametrize("cell", [
    source(RIGHT) + "answers['q1'] = 'b'",
    "answers: dict = " + repr(RIGHT),
    "answers = other = " + repr(RIGHT),
    source({}) + source(RIGHT),
    "import this_is_never_imported\n" + source(RIGHT) + "raise SystemExit",
    "answers = dict(" + ", ".join(f"{name}={letter!r}" for name, letter in RIGHT.items()) + ")",
    source(RIGHT | {"q1": "a"}) + "answers.update(q1='b')",
    source(RIGHT | {"q1": "a"}) + "answers |= {'q1': 'b'}",
    source(RIGHT | {"q1": "a"}) + "answers = {**answers, 'q1': 'b'}",
    source(RIGHT | {"q1": "a", "q2": "a"}) + f"answers['q1'], answers['q2'] = {RIGHT['q1']!r}, {RIGHT['q2']!r}",
    "%%time\n" + source(RIGHT),
])  # fmt: skip
def test_honest_ways_to_write_the_answers_are_read(course, cell):
    assert quiz.quiz_marks(CHAPTER, [cell], course.root)[0] == 1.25


@pytest.mark.parametrize("cells", [
    [source(dict.fromkeys(RIGHT, "")), *[f"answers[{name!r}] = {letter!r}" for name, letter in RIGHT.items()]],
    ["answers = model(x)", "answers = {'q1':", source(RIGHT), "print(answers)"],
    ["import torch", source({}), "def f(:", source(RIGHT), "other = answers"],
])  # fmt: skip
def test_answers_in_several_cells_count_as_the_last_one_leaves_them(course, cells):
    assert quiz.quiz_marks(CHAPTER, cells, course.root)[0] == 1.25


def test_letters_that_the_text_does_not_show_are_told_in_the_notebook(learners_course, notebook):
    loop = "for name, letter in zip(names, letters): answers[name] = letter"
    points, text, _, _ = notebook(learners_course, answers=RIGHT, In=["", source(dict.fromkeys(RIGHT, "")), loop])
    assert points == 1.25 and "read from the text of your cells" in text
    points, text, _, _ = notebook(learners_course, answers=RIGHT, In=["", source({}), source(RIGHT)])
    assert points == 1.25 and "read from the text" not in text


@pytest.mark.parametrize("cell", [
    "", "answers = ", "answers = key()", "answers = open('key').read()", "answers = {'q1': 'b'", "answer = {'q1': 'b'}",
    "answers = {['q1']: 'b'}", "answers = 'b'", "answers = {**key}", "def f():\n    answers = {'q1': 'b'}", "\0",
    "answers = " + "{1:" * 4000, "answers = " + "-" * 19_000 + "1", "x" * 30_000,
])  # fmt: skip
def test_a_cell_that_is_no_plain_dict_earns_nothing_and_is_never_run(course, cell):
    points, message, _ = quiz.quiz_marks(CHAPTER, [cell], course.root)
    assert points == 0.0 and message.startswith("the quiz cell")


def test_points_never_pass_the_maximum(course):
    cell = source(RIGHT | {f" q{number}": "b" for number in range(50)})
    assert quiz.quiz_marks(CHAPTER, [cell], course.root)[0] == 1.25


def test_grading_without_any_key_says_where_it_is(course):
    quiz.questions_file(CHAPTER, course.root).unlink()
    with pytest.raises(quiz.QuizError, match="solutions/01_tiny/quiz.toml"):
        quiz.quiz_marks(CHAPTER, [source(RIGHT)], course.root)


def test_feedback_uses_words_and_signs_beside_colours_and_escapes():
    shown = card([quiz.QuizLine("q1", "use `a < b`", True), quiz.QuizLine("q2", "<script>", False)], "1 of 2 points")
    words = display.text(shown)
    assert "1 of 2 points" in words and "q1, right" in words and "q2, not yet" in words and "use `a < b`" in words
    html = display.html(shown)
    assert "✓" in html and "✗" in html
    assert "<code>a &lt; b</code>" in html and "&lt;script&gt;" in html
    assert html.count("background") == html.count("color:#fff") == 2  # a sign brings its ground: seen in light and dark


def test_the_right_option_is_the_longest_about_as_often_as_by_chance():
    questions = [q for chapter in load().chapters for q in quiz.read_questions(quiz.questions_file(chapter.id))]
    longest, chance, variance = 0.0, 0.0, 0.0
    for question in questions:
        lengths = {letter: len(option.text) for letter, option in question.options.items()}
        most = [letter for letter, length in lengths.items() if length == max(lengths.values())]
        longest += (question.answer in most) / len(most)
        chance += 1 / len(lengths)
        variance += (1 - 1 / len(lengths)) / len(lengths)
    assert abs(longest - chance) < 2 * variance**0.5, (longest, chance)
