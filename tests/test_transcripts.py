"""Judging by transcripts: what is asked together and what is known already never changes a verdict."""

import pytest

from autograder.framework import known_answers, solutions
from autograder.framework.candidate import EndedAtOnce
from autograder.framework.isolation import judging
from autograder.framework.isolation.process import Process
from autograder.framework.isolation.transcripts import TranscriptCandidate, Transcripts

CHAPTER = "02_attention_mechanism"
HEAD = "import math\n\nimport torch\nfrom torch import nn\nimport torch.nn.functional as F\n\n\n"
SOFTMAX = [
    known
    for file in (solutions.VARIANTS, solutions.MISCONCEPTIONS)
    for known in known_answers.read(CHAPTER, file)
    if known.component == "softmax"
]


@pytest.fixture
def judged(tmp_path):
    """`judged(source, name, transcripts)`: the verdict on an answer in a process of its own."""

    def judge(source, name, transcripts=None):
        path = tmp_path / "answer.py"
        path.write_text(HEAD + source, encoding="utf-8")
        with Process(files={path.name: path}) as process:
            assert process.ask("load", path=path.name)["happened"] is None
            return judging.judge_in(process, name, transcripts)

    return judge


@pytest.fixture
def asked_one_by_one(monkeypatch):
    """What goes to an answer as a single question, by procedure."""
    asked = []
    ask = Process.ask

    def noted(self, do, **request):
        if do == "perform":
            asked.append(request["procedure"])
        return ask(self, do, **request)

    monkeypatch.setattr(Process, "ask", noted)
    return asked


def test_known_answers_get_the_verdicts_that_they_get_alone(judged):
    transcripts = Transcripts()
    for known in SOFTMAX:  # one after the other, as in a class
        alone, in_class = (judged(known.source, "softmax", kept) for kept in (None, transcripts))
        assert in_class == alone, known.title


RIGHT = """
def softmax(x, dim=-1):
    e = torch.exp(x - x.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)
"""


def test_a_second_right_answer_is_asked_nothing_by_itself_and_no_law_is_judged_again(judged, asked_one_by_one, monkeypatch):
    transcripts = Transcripts()
    first = judged(RIGHT, "softmax", transcripts)
    assert first.passed and asked_one_by_one
    asked_one_by_one.clear()
    monkeypatch.setattr(TranscriptCandidate, "_find", None)  # how a law is judged by new replies
    second = judged(RIGHT.replace(" e ", " grown ").replace("e.sum", "grown.sum"), "softmax", transcripts)
    assert second == first and not asked_one_by_one


def test_another_style_is_judged_by_its_own_replies(judged, asked_one_by_one):
    transcripts = Transcripts()
    judged(RIGHT, "softmax", transcripts)
    asked_one_by_one.clear()
    other = "def softmax(x, dim=-1):\n    return torch.exp(x - torch.logsumexp(x, dim, keepdim=True))\n"
    assert judged(other, "softmax", transcripts).passed and not asked_one_by_one


@pytest.mark.parametrize("end", ["__import__('os')._exit(3)", "[0 for _ in iter(int, 1)]"])
def test_what_ends_its_process_under_a_law_is_judged_again_question_by_question(judged, end):
    transcripts = Transcripts()
    judged(RIGHT, "softmax", transcripts)
    source = RIGHT.replace("    e =", f"    if x.dim() == 3: {end}\n    e =", 1)
    with pytest.raises(EndedAtOnce):
        judged(source, "softmax", transcripts)


def test_an_answer_cannot_leave_a_judgement_for_the_next_one(judged):
    transcripts = Transcripts()
    judged(RIGHT, "softmax", transcripts)
    wrong = "def softmax(x, dim=-1):\n    return torch.exp(x) * 0 + 1 / x.shape[dim]\n"
    assert not judged(wrong, "softmax", transcripts).passed
    assert judged(RIGHT, "softmax", transcripts).passed
    assert not judged(wrong, "softmax", transcripts).passed
