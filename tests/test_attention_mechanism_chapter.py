"""Chapter 02: its numbers worked by hand, what its explorer draws and says, and what its prose claims of it."""

import math
import statistics
import time

import pytest
import torch

from utils import plots, reference, session
from utils.chapters.attention_mechanism import explorer, masking, pictures

LABELS = ("mouse", "horse", "elephant", "toy car", "lorry")
KEYS = torch.tensor([[1.0, -1.2], [1.4, 0.3], [1.0, 1.4], [-1.0, -1.2], [-1.0, 1.4]])
SPEEDS = torch.tensor([[13.0], [70.0], [25.0], [5.0], [90.0]])
LOOKUP = explorer.Lookup(LABELS, KEYS, SPEEDS, axes=("living", "large"), unit="km/h")


def weights_at(**setting):
    _, weights = LOOKUP.attend(reference.attention, explorer.LookupSetting(**setting))
    return dict(zip(LABELS, weights, strict=True))


def test_the_numbers_worked_by_hand_are_right():
    shares = reference.softmax(torch.tensor([0.0, math.log(3)]))
    torch.testing.assert_close(shares, torch.tensor([0.25, 0.75]))
    scores = reference.attention_scores(torch.tensor([[1.0, 2, 0, 1]]), torch.tensor([[2.0, 1, 5, 0], [0, 1, 1, 0]]))
    torch.testing.assert_close(scores, torch.tensor([[2.0, 1.0]]))
    k = torch.tensor([[math.log(3), 0, 0, 0], [0, 7, 7, 7], [9, 0, 0, 0]])
    v = torch.tensor([[4.0, 0], [0, 8], [100, 100]])
    seen = torch.tensor([[True, True, False]])
    output, weights = reference.attention(torch.tensor([[2.0, 0, 0, 0]]), k, v, mask=seen)
    torch.testing.assert_close(weights, torch.tensor([[0.75, 0.25, 0.0]]))
    torch.testing.assert_close(output, torch.tensor([[3.0, 2.0]]))
    keys = torch.tensor([[0.0], [math.log(2)], [math.log(4)]])
    blocks = reference.blockwise_attention(torch.ones(1, 1), keys, torch.tensor([[10.0], [20], [30]]), 1)
    torch.testing.assert_close(blocks, torch.tensor([[170 / 7]]))


def test_each_of_the_five_entries_wins_at_some_angle():
    winners = {max(found, key=found.get) for found in (weights_at(angle=a) for a in range(-180, 180, 5))}
    assert winners == set(LABELS)


def test_a_query_of_length_zero_shares_equally_at_any_temperature():
    for temperature in (0.1, 1.0, 5.0):
        assert weights_at(length=0.0, temperature=temperature).values() == pytest.approx([0.2] * 5)


def test_the_winners_share_goes_to_the_others_in_proportion():
    before, after = weights_at(angle=27), weights_at(angle=27, hidden=("elephant",))
    assert after["elephant"] == 0.0
    rest = 1 - before["elephant"]
    assert all(after[label] == pytest.approx(before[label] / rest) for label in LABELS if label != "elephant")


def test_the_words_of_the_picture_give_every_weight_and_the_output() -> None:
    setting = explorer.LookupSetting(angle=27, hidden=("elephant",))
    drawn = explorer.lookup_picture(reference.attention, LOOKUP, setting)
    alt = drawn.alt
    for label, weight in weights_at(angle=27, hidden=("elephant",)).items():
        assert f"{label} {weight:.2f}" in alt
    assert "hidden: elephant" in alt and alt.endswith("output: 60.8 km/h")
    assert "hidden: elephant<" in drawn.framed() and "output: 60.8 km/h<" in drawn.framed()


def test_the_picture_is_drawn_in_less_than_a_tenth_of_a_second() -> None:
    seconds = []
    for angle in range(0, 90, 10):
        start = time.perf_counter()
        explorer.lookup_picture(reference.attention, LOOKUP, explorer.LookupSetting(angle=angle))
        seconds.append(time.perf_counter() - start)
    assert statistics.median(seconds) < 0.1


def test_the_static_picture_is_one_image_with_a_text(shown: list[dict[str, str]]) -> None:
    settings = [explorer.LookupSetting(angle=27), explorer.LookupSetting(angle=27, temperature=0.2)]
    explorer.lookup_settings(reference.attention, LOOKUP, settings)
    (bundle,) = shown
    assert bundle["text/html"].count("<") == 1
    assert "temperature 1." in bundle["text/plain"] and "temperature 0.2." in bundle["text/plain"]


def test_the_explorer_follows_its_sliders_and_boxes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    controls, screen = explorer.lookup_explorer(reference.attention, LOOKUP).children
    first = screen.value
    controls.children[0].value = -60
    second = screen.value
    assert first != second and "query at -60°" in second
    box = next(child for child in controls.children if child.description.startswith("mouse"))
    box.value = False
    assert "hidden: mouse" in screen.value and "mouse 0.00" in screen.value


def test_without_widgets_the_explorer_says_so_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: False)
    assert explorer.lookup_explorer(reference.attention, LOOKUP) is None
    assert len(capsys.readouterr().out.splitlines()) == 1


# The open task: a wrong mask, and a test that refutes it


def thorough(attention):
    """A test that looks at everything: hidden weights, sums, and the output with other keys and values in hidden places."""
    generator = torch.Generator().manual_seed(3)
    q, k, v = (torch.randn(size, 6, generator=generator) for size in (2, 4, 4))
    allowed = torch.tensor([[True, False, True, False], [False, True, True, False]])
    first, shares = attention(q, k, v, mask=allowed)
    torch.testing.assert_close(shares.sum(1), torch.ones(2))
    torch.testing.assert_close(shares.masked_fill(allowed, 0.0), torch.zeros(2, 4))
    other = [torch.cat([x[:3], x[3:] + 5.0]) for x in (k, v)]
    torch.testing.assert_close(attention(q, *other, mask=allowed)[0], first)


def hidden_only(attention):
    """A test that looks at hidden weights only, for a mask with one row."""
    allowed = torch.tensor([[True, True, False]])
    shares = attention(torch.ones(2, 4), torch.ones(3, 4), torch.ones(3, 4), mask=allowed)[1]
    assert not shares[:, 2].any(), "hidden"


def test_a_thorough_test_catches_every_wrong_mask(capsys):
    masking.try_mask(masking.hides_late, thorough)
    said = capsys.readouterr().out
    assert "wrong_attention: right without a mask, wrong with one." in said
    assert "catches 4 of 4" in said and "Hint" not in said


def test_a_narrow_test_is_told_what_it_lets_pass(capsys):
    masking.try_mask(lambda q, k, v, mask=None: reference.attention(q, k, v), hidden_only)
    said = capsys.readouterr().out
    assert "yours                        caught: hidden" in said and "catches 1 of 4" in said
    for hint in ("add up a row", "different rows", "look at the output"):
        assert hint in said


def says_no(attention):
    return False


def never_content(attention):
    raise AssertionError("never content")


def breaks_off(attention):
    return attention(torch.ones(2, 3))


@pytest.mark.parametrize(
    "test, words",
    [
        (says_no, "answered with False: a test has to raise"),
        (never_content, "the right attention has to pass. Instead it is caught: never content"),
        (breaks_off, "broken off by a TypeError"),
    ],
)
def test_a_test_that_is_not_one_is_told_so(test, words, capsys):
    masking.try_mask(masking.hides_late, test)
    said = capsys.readouterr().out
    assert words in said and "catches" not in said


def empty(*inputs, **options):
    raise NotImplementedError


def test_empty_tasks_are_said_and_the_other_one_is_tried_all_the_same(capsys):
    masking.try_mask(empty, thorough)
    assert "wrong_attention: nothing is here yet." in (said := capsys.readouterr().out) and "catches 3 of 3" in said
    masking.try_mask(masking.hides_late, empty)
    assert capsys.readouterr().out.splitlines()[1] == "test_mask: nothing is here yet."


@pytest.mark.parametrize(
    "attention, words",
    [
        (reference.attention, "what `attention` gives"),
        (lambda q, k, v, mask=None: (v, q), "already differs"),
        (lambda q, k, v, mask=None: reference.attention(q, k, v)[0], "the pair (output, weights)"),
        (lambda q, k, v: reference.attention(q, k, v), "breaks off with TypeError"),
        (lambda q, k, v, mask=None: reference.attention(q, k, v) if mask is None else None, "does not return the pair"),
    ],
)
def test_an_attention_whose_mask_is_not_wrong_is_told_so(attention, words):
    assert words in masking.not_wrong(attention)


@pytest.mark.parametrize("attention", [wrong for wrong, _ in masking.WRONG.values()])
def test_every_wrong_mask_of_the_course_is_wrong_with_a_mask_only(attention):
    assert masking.not_wrong(attention) == ""


def test_guesses_are_drawn_where_they_belong(monkeypatch):
    drawn, draw = [], plots.guess

    def guess(ax, height, place=None, label="your guess"):
        drawn.append((height, place))
        draw(ax, height, place, label)

    monkeypatch.setattr(plots, "guess", guess)
    pictures.fits(("a", "b"), (1.0, 2.0), "b")
    pictures.fits(("a", "b"), (1.0, 2.0), "c")
    pictures.memory((2, 4, 8), {"one": (1, 4, 16), "two": (1, 2, 4)}, {"one": 3, "two": None})
    square = torch.full((3, 3), 1 / 3)
    pictures.sentence_maps({"first": square, "last": square}, ("a", "b", "a"), (("a",),), "", "b", "a")
    assert drawn == [(1.0, 1), (9, 8), (1, 0), (1, 2)]


def test_the_ways_to_mask_are_said_in_words(capsys):
    rows = {"right": torch.tensor([[1.0, 0.0]]), "none": torch.tensor([[0.5, 0.5]])}
    pictures.ways(rows, ("word", "pad"), torch.tensor([[False, True]]), {"right": (1.0, 1.0), "none": (2.0, 3.0)})
    said = capsys.readouterr().out
    assert "none                     1.00       0.50    2.00                3.00" in said
    assert "right 1.00 0.00; none 0.50 0.50" in said
