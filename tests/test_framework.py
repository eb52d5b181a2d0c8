"""The framework on a toy component: laws, cases and hidden cases, points, waiting, messages, faults, exchange, names."""

import pytest
import torch
import toy

from autograder import render
from autograder.display import Mark
from autograder.framework import catalogue, component, diagnosis, expect, fingerprints, known_answers, solutions
from autograder.framework.candidate import CandidateError, LocalCandidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.framework.exchange import Exchange, exchangeable
from autograder.framework.expect import About, Failed
from autograder.framework.happening import Happening, What, sentence
from autograder.framework.judge import FAULT, HIDDEN, INPUTS, judge, judge_with_exchange
from autograder.framework.law import law_of
from autograder.framework.verdict import Status
from utils.reference import observed


@pytest.fixture(autouse=True)
def course(tmp_path, monkeypatch):
    """The toy course stands in for the real one wherever the framework asks for a manifest."""
    made = toy.make(tmp_path)
    for module in (component, solutions, known_answers, diagnosis):
        monkeypatch.setattr(module, "load", lambda: made)
    return made


@pytest.fixture
def double():
    return toy.double_component()


def verdict_on(double, name, hidden=False):
    return judge(LocalCandidate(double, toy.answers()[name]), hidden)


def failed(verdict):
    return [finding.law for finding in verdict.findings if finding.failed]


def waiting(verdict):
    return [finding.law for finding in verdict.findings if finding.status is Status.WAITS]


# Laws, points, cases


def test_a_law_takes_its_sentence_and_hint_from_its_docstring():
    def doubles(candidate, case):
        """Every entry is
        doubled.

        Add it to
        itself.
        """

    law = law_of(doubles, 0.5)
    assert (law.name, law.sentence, law.hint, law.points) == ("doubles", "Every entry is doubled", "Add it to itself.", 0.5)


def test_a_law_without_a_docstring_is_refused():
    with pytest.raises(TypeError, match="nameless has no docstring"):
        law_of(_nameless, 0.5)


def _nameless(candidate, case):
    pass


def test_a_law_that_asks_for_it_is_given_what_the_component_draws(double):
    given = []

    @double.law(points=0.25)
    def asks(candidate, case, drawn):
        """It is given what is drawn"""
        given.append(drawn.inputs["x"])

    law = double.laws[-1]
    law.judge(None, double.cases[0].fresh("asks"))
    assert (law.name, law.sentence) == ("asks", "It is given what is drawn")
    assert torch.equal(given[0], toy.draw(double.cases[0].fresh("asks")).inputs["x"])


_nameless.__name__ = "nameless"


def test_a_law_that_needs_a_later_one_or_comes_twice_is_refused(double):
    law = double.laws[0]
    with pytest.raises(ValueError, match="two laws sign"):
        double.add(law)
    other = Component(toy.draw, name="other", cases=[], oracle=toy.double)
    with pytest.raises(ValueError, match="needs sign, which is not an earlier law"):
        other.add(double.laws[1])


def test_a_right_answer_holds_every_law_and_earns_all_points(double):
    found = judge(LocalCandidate(double, lambda x, times=2: toy.double(x, times)), hidden=True)
    assert found.passed and found.points == found.max_points == double.points == 2.0
    assert found.misconception is None and not found.faults


def test_a_law_with_cases_of_its_own_has_hidden_cases_under_its_own_key(double):
    far = next(law for law in double.laws if law.name == "far")
    hidden = solutions.hidden_cases("01_toy")
    assert [case.factor for case in double.cases_of(far)] == [10]
    assert [case.factor for case in double.hidden_cases_of(far, hidden)] == [1000]
    assert [case.batch for case in double.hidden_cases_of(double.laws[0], hidden)] == [13]


def test_what_only_hidden_cases_show_is_said_without_them(double):
    assert verdict_on(double, "fixed").passed
    found = verdict_on(double, "fixed", hidden=True)
    assert failed(found) == ["Every entry is doubled"]
    assert [finding.message for finding in found.findings if finding.failed] == [HIDDEN]


def test_one_mistake_costs_the_points_of_one_law(double):
    found = verdict_on(double, "halves")
    assert failed(found) == ["Every entry is doubled", "Large entries are doubled too"]
    assert found.points == 2.0 - 0.5 - 0.25
    for name in ("squeezes", "on_the_cpu", "detached", "partly_detached", "limited"):
        assert len(failed(verdict_on(double, name))) == 1, name


def test_a_law_waits_for_what_it_needs_and_says_for_what(double):
    found = judge(LocalCandidate(double, lambda x, times=2: toy.double(-x, times)))
    assert failed(found) == ["Every entry keeps its sign"]
    assert set(waiting(found)) >= {"Every entry is doubled", "Large entries are doubled too"}
    message = next(finding.message for finding in found.findings if finding.status is Status.WAITS)
    assert message == "It is judged once “Every entry keeps its sign” holds."
    shown = [entry for entry in render.card(found).entries if entry.mark is Mark.WAITS]
    assert [entry.text for entry in shown] == ["; ".join(waiting(found))] and f"{len(waiting(found))} more" in shown[0].title
    assert all(law in render.text(found) for law in waiting(found))


@pytest.mark.parametrize("name", ["no_return", "raises", "integers"])
def test_a_crash_or_a_wrong_form_is_told_once_and_without_a_hint(double, name):
    found = verdict_on(double, name)
    assert failed(found) == ["Every entry keeps its sign"]
    message = next(finding.message for finding in found.findings if finding.failed)
    assert "negative number" not in message
    assert found.points == 0 and found.misconception is None


def test_an_answer_that_does_next_to_nothing_earns_nothing_for_leaving_its_inputs_alone(double):
    zeros = judge(LocalCandidate(double, lambda x, times=2: x * 0))
    assert zeros.points == 0 and INPUTS in waiting(zeros)


def test_a_stub_is_invited_and_given_no_name(double):
    found = verdict_on(double, "stub")
    assert found.points == 0 and found.misconception is None
    assert "Nothing is here yet" in found.findings[0].message


def test_a_changed_input_costs_its_own_points_alone_and_is_named(double):
    found = verdict_on(double, "in_place")
    assert failed(found) == [INPUTS] and found.misconception == "changes-input"
    assert found.points == found.max_points - double.input_points


@pytest.mark.parametrize("name", ["detached", "partly_detached"])
def test_a_path_that_is_cut_wholly_or_in_part_is_named(double, name):
    assert verdict_on(double, name).misconception == "not-differentiable"


def test_float32_inside_and_double_outside_fail_the_law_on_precision_alone(double):
    for name, misconception in (("in_float32", "float32-inside"), ("in_double", None)):
        found = verdict_on(double, name)
        assert len(failed(found)) == 1 and failed(found)[0].startswith("It keeps the precision"), name
        assert found.misconception == misconception


def test_an_axis_of_size_one_and_a_tensor_on_the_cpu_are_found(double):
    squeezed, mixed = verdict_on(double, "squeezes"), verdict_on(double, "on_the_cpu")
    assert failed(squeezed) == failed(mixed) == ["It works for sizes of 1 and on any device"]
    assert "with batch = 1" in str([finding.message for finding in squeezed.findings]) or squeezed.findings
    assert "on the CPU" in next(finding.message for finding in mixed.findings if finding.failed)


def test_a_refusal_by_assert_or_none_at_all_is_told(double):
    found = verdict_on(double, "asserts")
    assert failed(found) == ["A number of times below 1 is refused"]
    assert "AssertionError" in next(finding.message for finding in found.findings if finding.failed)


# Faults of the course


def test_a_bug_in_a_law_is_said_as_such_and_costs_the_learner_nothing(double):
    @double.law(points=0.0)
    def broken(candidate, case):
        """Every row is doubled"""
        candidate.use(toy.draw(case)).sum(case.rowz)

    found = judge(LocalCandidate(double, lambda x, times=2: toy.double(x, times)))
    broken_finding = next(finding for finding in found.findings if finding.law == "Every row is doubled")
    assert broken_finding.status is Status.FAULT and broken_finding.message == FAULT
    assert found.passed and found.points == found.max_points
    assert [fault.law for fault in found.faults] == ["Every row is doubled"] and "rowz" in found.faults[0].traceback
    assert found.as_dict()["faults"] == ["Every row is doubled"]


@pytest.mark.parametrize("odd", [None, 3, "text", [], (1, 2), {}, object(), torch.zeros(0), torch.zeros(2, 3, 4, 5),
                                 torch.tensor(1.0), torch.zeros(3, 5, dtype=torch.complex64), torch.ones(3, 5).to_sparse(),
                                 torch.full((3, 5), float("nan")), torch.nn.Linear(2, 2)])  # fmt: skip
def test_no_answer_whatever_it_returns_is_taken_for_a_fault(double, odd):
    found = judge(LocalCandidate(double, lambda x, times=2: odd), hidden=True)
    assert not found.faults and not found.passed and found.points == 0


# Forms and comparisons


@pytest.mark.parametrize(
    ("got", "right", "words"),
    [
        (None, torch.zeros(2), "is a `return` missing"),
        (torch.zeros(3), torch.zeros(2), r"expected shape \(2,\), got \(3,\)"),
        (torch.zeros(2).bool(), torch.zeros(2), "expected dtype float32, got bool"),
        (torch.zeros(2), (torch.zeros(2), torch.zeros(2)), "expected a pair"),
        ((torch.zeros(2),), (torch.zeros(2), torch.zeros(2)), "expected a pair"),
        ("1.0", 1.0, "expected a Python float, got a str"),
        (True, 1.0, "expected a Python float, got a bool"),
    ],
)
def test_a_result_of_another_form_is_refused_as_such(got, right, words):
    with pytest.raises(Failed, match=words) as caught:
        expect.form(got, right)
    assert caught.value.about is About.FORM


def test_a_mask_of_numbers_proves_that_it_is_not_boolean():
    with pytest.raises(Failed) as caught:
        expect.form(torch.ones(2), torch.ones(2, dtype=torch.bool))
    assert caught.value.proves == "not-boolean"


def test_entries_that_differ_are_shown_with_their_indices():
    got = torch.zeros(2, 3)
    right = got.clone()
    right[1, 2] = 5.0
    with pytest.raises(Failed, match=r"1 of 6 entries differ, at \[1, 2\] expected 5, got 0"):
        expect.close(got, right)
    with pytest.raises(Failed, match="It holds NaN"):
        expect.close(torch.tensor([float("nan")]), torch.zeros(1))


def test_equal_results_pass_and_nearly_equal_ones_within_float32():
    right = torch.rand(3, 4)
    expect.close(right * (1 + 1e-6), right)
    with pytest.raises(Failed):
        expect.close(right.double() * (1 + 1e-6), right.double(), tolerance=expect.FLOAT64)


@pytest.mark.parametrize(
    ("happening", "fails"),
    [
        (None, True),
        (Happening(What.RAISED, "ValueError", "times=0 is below 1"), False),
        (Happening(What.RAISED, "ValueError", "bad"), True),
        (Happening(What.RAISED, "TypeError", "times=0"), True),
        (Happening(What.RAISED, "AssertionError", "times=0"), True),
    ],
)
def test_a_refusal_is_a_value_error_that_names_argument_and_value(happening, fails):
    try:
        expect.raises(happening, {"times": 0})
    except Failed:
        assert fails
    else:
        assert not fails


# What happened, in words


@pytest.mark.parametrize("what", list(What))
def test_everything_that_can_happen_has_a_sentence_for_each_subject(what):
    for subject in ("Your code", "The file", "The notebook"):
        said = sentence(Happening(what, "KeyError", "x", 3, "x = y", 5.0), subject)
        assert said and "None" not in said
        assert what in (What.STUB, What.NO_FORWARD) or subject.lower() in said.lower()
    assert Happening.from_dict(Happening(what, "E", "m", 1, "t").as_dict()) == Happening(what, "E", "m", 1, "t")


def test_an_error_shows_the_learners_line_and_nothing_of_ours(double):
    candidate = LocalCandidate(double, toy.answers()["raises"])
    with pytest.raises(CandidateError) as caught:
        candidate.use(toy.draw(Case(seed=1, batch=2, seq=3)))
    said = sentence(caught.value.happening)
    assert "return x.no_such_method(times)" in said and "autograder" not in said


# Exchange


def test_the_reference_stands_in_for_a_while_and_what_was_there_comes_back(monkeypatch):
    monkeypatch.setattr("autograder.framework.exchange.reference.COMPONENTS", {"double": toy.double})
    namespace = {"double": "mine", "other": 1}
    exchange = Exchange(namespace)
    assert exchange.own(["double", "quadruple"]) == ["double"]
    with exchange.during(["double"]):
        assert namespace["double"] is toy.double and exchange.own(["double"]) == []
    assert namespace == {"double": "mine", "other": 1}
    exchange.put(["double"])
    exchange.put([])
    assert namespace == {"double": "mine", "other": 1}


def test_mates_of_the_chapter_may_be_exchanged_also_where_they_are_missing():
    quadruple = Component(toy.draw, name="quadruple", cases=[], oracle=toy.quadruple)
    assert exchangeable(quadruple, own=[]) == ("double",)
    assert exchangeable(toy.double_component(), own=["quadruple"]) == ()


def test_the_better_of_two_verdicts_stands(double):
    tried = []

    def open_candidate(exchanged):
        tried.append(tuple(exchanged))
        right = lambda x, times=2: toy.double(x, times)  # noqa: E731
        return LocalCandidate(double, right if exchanged else toy.answers()["halves"])

    found = judge_with_exchange(open_candidate, ["double"])
    assert found.passed and tried == [(), ("double",)]


class _Counted(LocalCandidate):
    """Notes which laws are judged."""

    def __init__(self, component, answer, judged):
        super().__init__(component, answer)
        self.judged = judged

    def remembered(self, law, find, holds):
        self.judged.append(law)
        return super().remembered(law, find, holds)


def _judged_with_exchange(component, answer, exchanged):
    """The verdict on what is `answer` alone and `exchanged` beside the reference's, and the laws that were judged, each time."""
    rounds = []

    def open_candidate(exchange):
        rounds.append([])
        return _Counted(component, exchanged if exchange else answer, rounds[-1])

    return judge_with_exchange(open_candidate, ["double"]), rounds


def test_a_mistake_that_stays_where_the_reference_stands_in_is_judged_again_by_its_failed_laws_alone(double):
    detached = toy.answers()["detached"]
    found, (first, again) = _judged_with_exchange(double, detached, detached)
    assert found == judge(LocalCandidate(double, detached)) and found.misconception == "not-differentiable"
    failed = {law.name for law, finding in zip(double.laws, found.findings, strict=False) if not finding.held}
    assert set(again) <= failed and len(again) < len(first)


def test_a_mistake_that_changes_where_the_reference_stands_in_is_judged_again_as_a_whole(double):
    detached = toy.answers()["detached"]
    for exchanged in (lambda x, times=2: toy.double(x, times), toy.answers()["halves"], toy.answers()["raises"]):
        found, rounds = _judged_with_exchange(double, detached, exchanged)
        verdicts = [judge(LocalCandidate(double, answer)) for answer in (detached, exchanged)]
        assert len(rounds) == 3 and found == max(verdicts, key=lambda verdict: verdict.points)


def test_a_mistake_without_a_name_is_judged_again_as_a_whole(double):
    thirds = lambda x, times=2: toy.double(x, times) / 3  # noqa: E731
    found, (first, second) = _judged_with_exchange(double, thirds, thirds)
    assert found.misconception is None and [law for law in second if law in first] == first


def test_an_input_that_an_exchanged_component_alone_has_written_to_costs_nothing(double):
    def writes(x, times=2):
        return x.mul_(0).add_(1)

    def halves(x, times=2):
        return x / 2

    first = judge(LocalCandidate(double, writes))
    assert first.misconception == "changes-input"
    found, _ = _judged_with_exchange(double, writes, halves)
    assert found == judge(LocalCandidate(double, halves))


# Fingerprints and names


def test_an_outcome_agrees_with_itself_in_other_precision_and_not_with_another():
    x = torch.randn(3, 5)
    assert fingerprints.same(fingerprints.encode(x), fingerprints.encode(x * (1 + 1e-6)))
    assert fingerprints.same(fingerprints.encode((x, x)), fingerprints.encode([x.double(), x]))
    for other in (
        x.T,
        x[:2],
        x + 0.05,
        x.round().long(),
        x > 0,
        -x,
        None,
        3,
        {"x": x},
        [x],
        x.masked_fill(x == x.max(), float("nan")),
    ):
        assert not fingerprints.same(fingerprints.encode(x), fingerprints.encode(other)), other


def test_a_version_must_agree_on_every_probe(double, monkeypatch):
    def outcomes_of(answer):
        return fingerprints.wrong_ones(double, fingerprints.run_probes(LocalCandidate(double, answer)))

    halves, cut = toy.answers()["halves"], toy.answers()["detached"]
    monkeypatch.setattr(fingerprints, "shipped", lambda name: {"halved": [outcomes_of(halves)]})
    monkeypatch.setattr(catalogue, "sentence", lambda name, id: id)
    assert judge(LocalCandidate(double, halves)).misconception == "halved"
    both = lambda x, times=2: cut(halves(x, times), 1)  # noqa: E731  (halves, and cuts the path)
    assert set(outcomes_of(both)) == {"plain", "gradient"}
    assert judge(LocalCandidate(double, both)).misconception != "halved"
    assert judge(LocalCandidate(double, lambda x, times=2: toy.double(x, times) / 3)).misconception is None


def test_errors_agree_by_their_cause_and_not_by_their_type(double):
    def raising(message):
        def answer(x, times=2):
            raise RuntimeError(message)

        return fingerprints.run_probes(LocalCandidate(double, answer))

    assert fingerprints.alike(raising("sizes 3 and 5"), raising("sizes 3 and 5"))
    assert not fingerprints.alike(raising("sizes 3 and 5"), raising("not on this device"))


# Drawing


def test_a_table_of_cases_has_a_size_for_each_name_in_each_row():
    one, other = Case.table(7, "batch seq", (2, 5), (3, 1))
    assert (one.seed, one.sizes, other.seed, other.sizes) == (7, {"batch": 2, "seq": 5}, 8, {"batch": 3, "seq": 1})
    with pytest.raises(ValueError, match="shorter"):
        Case.table(7, "batch seq", (2,))


def test_a_case_is_the_same_every_time_and_another_for_another_law():
    case = Case(seed=3, batch=2, seq=5)
    assert torch.equal(case.fresh("a").normal(4), case.fresh("a").normal(4))
    assert not torch.equal(case.fresh("a").normal(4), case.fresh("b").normal(4))
    with pytest.raises(AttributeError, match=r"no size 'seqq': it has \['batch', 'seq'\]"):
        case.seqq  # noqa: B018
    assert [(name, small.sizes) for name, small in case.with_ones()] == [
        ("batch", {"batch": 1, "seq": 5}),
        ("seq", {"batch": 2, "seq": 1}),
    ]


@pytest.mark.parametrize("shape", [(1,), (2, 7), (3, 1, 5), (2, 3, 4, 2)])
def test_every_row_of_a_mask_sees_something_and_hides_something(shape):
    rows = Case(seed=9).mask(*shape).reshape(-1, shape[-1])
    assert rows.any(-1).all()
    assert shape[-1] == 1 or (~rows).any(-1).all()


def test_a_use_with_other_inputs_or_another_precision_is_a_use_of_its_own():
    drawn = Drawn({"x": torch.ones(2), "n": 3}, {"mask": torch.ones(2, dtype=torch.bool)})
    assert drawn.to(torch.float64).inputs["x"].dtype == torch.float64 and drawn.inputs["x"].dtype == torch.float32
    assert drawn.to(torch.float64).options["mask"].dtype == torch.bool
    assert drawn.floating == ["x"]
    with pytest.raises(KeyError, match="no input y"):
        drawn.with_inputs(y=1)


def test_a_probe_may_look_for_itself(double):
    looked = Component(toy.draw, name="double", cases=[], oracle=toy.double, probes={"seen": Probe(look=lambda c, case: "seen")})
    assert fingerprints.run_probes(LocalCandidate(looked, toy.double)) == {"seen": "'seen'"}


# Known answers


class Asked(list):
    """A watcher of the reference that writes down what is entered."""

    enter = list.append

    def leave(self, name):
        pass


def test_a_borrowed_answer_hands_back_what_the_reference_makes(course, monkeypatch):
    text = 'from autograder.framework.known_answers import borrowed\n\nborrowed("softmax")\n'
    (course.source_folder("01_toy") / solutions.MISCONCEPTIONS).write_text(text)
    known_answers.read.cache_clear()
    (known,) = known_answers.read("01_toy", solutions.MISCONCEPTIONS)
    monkeypatch.setattr(observed, "watchers", asked := [Asked()])
    assert torch.equal(known.answer(torch.zeros(2)), torch.full((2,), 0.5))
    assert (known.component, known.id, asked[0]) == ("softmax", "uses-builtin", ["softmax"])
