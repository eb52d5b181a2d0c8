"""Chapter 02: its numbers worked by hand, what its explorer draws and says, and what its prose claims of it."""

import math
import statistics
import time

import pytest
import torch

from utils import reference, session
from utils.chapters.attention_mechanism import explorer

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
