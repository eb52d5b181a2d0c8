"""What learners predicted is drawn on the result, in one look, and leaves no trace where nothing was entered."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from utils import plots
from utils.chapters.applications import pictures as applications
from utils.chapters.encoder_decoder import pictures as encoder_decoder
from utils.chapters.multi_head_attention import pictures as multi_head
from utils.chapters.positional_encoding import experiment, three_seeds
from utils.chapters.positional_encoding import pictures as positions
from utils.chapters.self_attention import pictures as self_attention
from utils.chapters.transformer_architecture import pictures as architecture

SHARES = {"one": 0.5, "two": 0.75}
SEEDS = {"one": [0.5, 0.6], "two": [0.7, 0.8]}
CURVES = {task: {scheme: torch.rand(experiment.TESTED) for scheme in experiment.SCHEMES} for task in experiment.STEPS}
LOSSES = [3.0, 2.0] * 20

DRAWN: dict[str, Callable[[float | None], None]] = {
    "03 judged": lambda number: self_attention.judged({way: ([1.0], [2.0]) for way in SEEDS}, SEEDS, 0.9, number),
    "04 shares": lambda number: multi_head.shares(SEEDS, "way", "share", guesses={"one": number, "two": number}),
    "05 gradients": lambda number: architecture.gradients((2, 4), {"start": {"way": [[0.5], [0.1]]}}, number),
    "05 shares": lambda number: architecture.shares((64, 128), {"a": [1, 2]}, {"a": 1, "b": 2}, number),
    "06 bars": lambda number: positions.bars(SHARES, {"two": number}, "title", 0.5),
    "06 two_bars": lambda number: positions.two_bars(SHARES, SHARES, {"one": number}),
    "06 looks_back": lambda number: positions.looks_back({-1: torch.eye(12), -3: torch.eye(12)}, 8, number),
    "06 extrapolation": lambda number: positions.extrapolation(CURVES, {"rotary": number}),
    "06 depths": lambda number: positions.depths(three_seeds.stored()["without positions"], number),
    "07 scores": lambda number: encoder_decoder.scores_picture(SEEDS, {"one": number, "two": number}),
    "07 loss": lambda number: encoder_decoder.loss_picture({"loss": LOSSES}, number),
    "08 loss": lambda number: applications.loss_with_guesses({"loss": LOSSES}, number, number),
    "08 few_labels": lambda number: applications.few_labels({"one": SEEDS, "two": SEEDS}, {"one": number, "two": number}),
    "08 held_out": lambda number: applications.held_out_curves({"GPT": [(1.0, 5.0), (2.0, 4.0)]}, number),
    "08 cache": lambda number: applications.cache_picture((16, 32), {"fast": [0.1, 0.2], "slow": [0.2, 0.6]}, number),
    "08 scores": lambda number: applications.scores(SHARES, {"one": number, "two": number}),
}


def words(whole: Figure) -> list[str]:
    """The words of all legends of a figure."""
    legends = [*whole.legends, *(legend for ax in whole.axes if (legend := ax.get_legend()))]
    return [text.get_text() for legend in legends for text in legend.get_texts()]


def contrast(one, other) -> float:
    """Of two colours, as WCAG 2 defines it: from 1 to 21."""
    darker, lighter = sorted(luminance(each) for each in (one, other))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgba(colour)[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("number", [0.25, None, "a quarter", True])
@pytest.mark.parametrize("name", DRAWN)
def test_a_number_is_drawn_with_one_entry_in_the_legend_and_anything_else_leaves_no_trace(name, number, monkeypatch):
    shown: list[Figure] = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: shown.append(drawn.figure.figure))
    DRAWN[name](number)
    (whole,) = shown
    assert sum(said.startswith("your guess") for said in words(whole)) == (number == 0.25)
    plots.png(whole)


def test_a_guess_is_a_ring_at_its_place_or_a_line():
    _, ax = plots.figure()
    assert plots.guess(ax, 2.0, 3.0) and plots.guess(ax, 5.0, label="the other") and not plots.guess(ax, None, 3.0)
    ring, line = ax.lines
    assert (ring.get_xdata(), ring.get_ydata(), ring.get_fillstyle()) == ([3.0], [2.0], "none")
    assert list(line.get_ydata()) == [5.0, 5.0]
    assert ring.get_color() == line.get_color() == plots.VERMILLION


@pytest.mark.parametrize("guessed", [0.5, None])
def test_a_ring_on_a_bar_has_a_white_edge(guessed):
    whole, ax = plots.figure()
    ax.set_position((0, 0, 1, 1))
    ax.bar(0, 1, 1, color=plots.COLOURS["sky"])
    ax.set(xlim=(-0.4, 0.4), ylim=(0.1, 0.9))
    ax.axis("off")
    plots.guess(ax, guessed, 0.0)
    canvas = FigureCanvasAgg(whole)
    canvas.draw()
    assert (np.asarray(canvas.buffer_rgba())[..., :3].min(-1) > 250).any() == (guessed is not None)


def test_a_guess_along_x_is_a_ring_on_its_bar():
    _, ax = plots.figure()
    assert plots.guess_along(ax, 0.25, 1) and not plots.guess_along(ax, None, 0)
    (ring,) = ax.lines
    assert (ring.get_xdata(), ring.get_ydata()) == ([0.25], [1])


def test_the_expected_key_of_a_query_is_framed_and_words_that_are_not_there_are_left_out():
    _, ax = plots.figure()
    plots.guessed_keys(ax, ["la", "casa"], ["the", "red", "house"], {"casa": "house", "la": None, "roja": "red"})
    (frame,) = ax.patches
    assert isinstance(frame, Rectangle) and frame.get_edgecolor() == to_rgba(plots.VERMILLION)
    assert (*frame.get_center(), frame.get_width(), frame.get_height()) == (2, 1, 1, 1)


def test_the_ring_of_few_labels_stands_out_from_the_ground_and_from_each_bar(monkeypatch):
    shown: list[Figure] = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: shown.append(drawn.figure.figure))
    DRAWN["08 few_labels"](0.25)
    for ax in shown[0].axes:
        (ring,) = [line for line in ax.lines if line.get_fillstyle() == "none"]
        grounds = [ax.get_facecolor(), *(bar.get_facecolor() for bar in ax.patches)]
        assert len(grounds) == 3 and min(contrast(ring.get_color(), ground) for ground in grounds) >= 3
