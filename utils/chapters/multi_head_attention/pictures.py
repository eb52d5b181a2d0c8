"""The drawings and plots of chapter 04: features cut into heads, heads that share keys and values, what heads are needed for."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import torch

from utils import drawings, plots
from utils.chapters.multi_head_attention.experiment import VALUES
from utils.palette import INK, SKY, TINTS

_HEADS = (*TINTS[1:5], TINTS[0])  # blue comes last: it is the ground of what has weights


@plots.picture
def heads(batch: int, seq: int, d_model: int, num_heads: int) -> None:
    """Draws the five steps of multi-head self-attention for x of these sizes, with the slice of features of each head."""
    d_head = d_model // num_heads
    whole, split = f"({batch}, {seq}, {d_model})", f"({batch}, {num_heads}, {seq}, {d_head})"
    drawn, middle = drawings.Diagram(column=1.2, row=0.66), (num_heads - 1) / 2
    drawn.box("x", middle, 0, f"x  {whole}", "step", wide=1.5)
    drawn.box("project", middle, 1.05, "w_q, w_k, w_v", wide=1.5).arrow("x", "project")
    for head in range(num_heads):
        first = head * d_head
        look: dict[str, Any] = {"kind": "data", "wide": 1.14, "ground": _HEADS[head % 5]}
        features = f"{first}–{first + d_head - 1}"
        for row, name in enumerate("qkv"):
            drawn.box(f"{name}{head}", head, 3.05 - 0.56 * row, f"{name}:  {features}", **look)
        drawn.box(f"head{head}", head, 4.15, f"attention\nhead {head}", **look).arrow(f"q{head}", f"head{head}")
        drawn.box(f"merged{head}", head, 5.3, features, **look).arrow(f"head{head}", f"merged{head}")
        drawn.arrow("project", f"v{head}")
        drawn.box(f"end{head}", middle, 6.3, "", "data", wide=0.1).arrow(f"merged{head}", f"end{head}")
    drawn.box("w_o", middle, 6.3, "w_o", wide=1.5).box("output", middle, 7.2, f"output  {whole}", "data").arrow("w_o", "output")
    for height, step, shape in (
        (1.05, "1. project", whole), (2.49, "2. split", split), (4.15, "3. attend", split), (5.3, "4. concatenate", whole),
        (6.3, "5. project", whole),
    ):  # fmt: skip
        drawn.text(num_heads - 0.3, height, f"{step}\n{shape}", align="left")
    slices = ", ".join(f"head {head} features {head * d_head} to {(head + 1) * d_head - 1}" for head in range(num_heads))
    drawn.show(
        f"From below: x {whole}; three projections make q, k and v; each is split into {num_heads} slices {split}: {slices}. "
        f"Each head attends with its own slices of q, k and v; the results stand side by side again {whole}, and w_o makes the "
        f"output {whole}."
    )


@plots.picture
def sharing(d_head: int, num_heads: int, shared: Sequence[int]) -> None:
    """Draws which query heads use which key/value head, a panel for each number of key/value heads in `shared`."""
    drawn, words = drawings.Diagram(column=0.6, row=0.7), []
    for panel, groups in enumerate(shared):
        start, each = panel * (num_heads + 1), num_heads // groups
        middle = start + (num_heads - 1) / 2
        for head in range(num_heads):
            group = head // each
            look: dict[str, Any] = {"kind": "data", "wide": 0.46, "ground": _HEADS[group % 5]}
            drawn.box(f"q{panel}{head}", start + head, 1.7, f"q{head}", **look)
            if head % each == 0:
                drawn.box(f"k{panel}{group}", start + head + (each - 1) / 2, 0, f"k{group}\nv{group}", **look)
            drawn.arrow(f"k{panel}{group}", f"q{panel}{head}")
        name = {num_heads: "multi-head", 1: "multi-query"}.get(groups, "grouped-query")
        drawn.text(middle, 2.5, name, size=10, bold=True)
        shape, kept = f"(batch, {groups}, seq, {d_head})", 2 * groups * d_head
        drawn.text(middle, -0.9, f"k, v: {shape}\nkept for each token: {kept} numbers")
        using = ", ".join(f"q{head} uses k{head // each} and v{head // each}" for head in range(num_heads))
        words.append(f"{name}, keys and values of shape {shape}, {kept} numbers kept for each token: {using}")
    drawn.text(-0.6, 1.7, "query heads", align="right").text(-0.6, 0, "key/value heads", align="right")
    drawn.show(f"{'; '.join(words)}.")


@plots.picture
def shares(
    results: Mapping[Any, Sequence[float]],
    xlabel: str,
    ylabel: str,
    lines: Mapping[str, float] | None = None,
    guesses: Mapping[Any, float | None] | None = None,
) -> None:
    """Plots shares of right answers, {label: a share for each seed}: a bar for the mean, a dot a seed.

    `lines` are named heights; `guesses` {label: a learner's number}.
    """
    _, ax = plots.figure(max(4.6, 1.6 + 1.0 * len(results)), 2.8)
    for place, values in enumerate(results.values()):
        ax.bar(place, sum(values) / len(values), 0.55, color=SKY)
        spread = [place + 0.08 * (seed - (len(values) - 1) / 2) for seed in range(len(values))]
        ax.plot(spread, values, "o", color=INK, markersize=4)
    for (name, height), look in zip((lines or {}).items(), cycle(("--", ":"))):
        ax.axhline(height, color=plots.COLOURS["grey"], linestyle=look, label=name)
    ax.set_xticks(range(len(results)), [str(label) for label in results])
    ax.set(xlabel=xlabel, ylabel=ylabel, ylim=(0, 1.05))
    drawn = [plots.guess(ax, (guesses or {}).get(label), place) for place, label in enumerate(results)]
    if lines or any(drawn):
        ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    spoken = "; ".join(f"{_flat(label)}: {', '.join(f'{x:.2f}' for x in values)}" for label, values in results.items())
    plots.alt(ax, f"{ylabel[0].upper()}{ylabel[1:]}, a dot for each seed. {spoken}.")


def _flat(label: Any) -> str:
    return str(label).replace("\n", " ")


@plots.picture
def untrained(weights: torch.Tensor, words: Sequence[str]) -> None:
    """Draws weights (num_heads, seq, seq) of a layer with random weights, a map a head, on a scale from 0 to 1."""
    figure = plots.heads(weights, words, words, even=True)
    _from_0_to_1(figure)
    plots.alt(
        figure,
        f"{len(weights)} maps of {len(words)} by {len(words)} attention weights, a map a head. All are pale: the weights lie "
        f"between {float(weights.min()):.2f} and {float(weights.max()):.2f}, and an even share is {1 / len(words):.2f}.",
    )


def _from_0_to_1(figure: Any) -> None:
    for ax in figure.axes:
        for image in ax.images:
            image.set_clim(0.0, 1.0)


@plots.picture
def questions(weights: torch.Tensor, asked: torch.Tensor) -> None:
    """Draws weights (num_heads, questions, places), a map a head, with the places (questions, 2) that are asked for."""
    rows = [f"{first} then {second}" for first, second in asked.tolist()]
    figure = plots.heads(weights, rows, range(weights.shape[-1]))
    _from_0_to_1(figure)
    figure.axes[0].set_ylabel("places asked for")
    for ax in figure.axes[: len(weights)]:
        ax.set_xlabel("place")
    spoken = "; ".join(
        f"head {head}: {', '.join(f'{row} most on {int(at.argmax())}' for row, at in zip(rows, found, strict=True))}"
        for head, found in enumerate(weights)
    )
    plots.alt(figure, f"A map for each head, a row for each question. {spoken}.")


@plots.picture
def without(losses: Mapping[int, Mapping[str, Sequence[float]]], guesses: Mapping[int, float | None] | None = None) -> None:
    """Plots losses without one head, {number of heads: {"all" or the missing head: a loss for each seed}}, a panel a number.

    `guesses` {number of heads: a learner's loss without head 0}.
    """
    blind = float(torch.tensor(float(VALUES)).log())
    figure, axes = plots.figure(9.5, 3.3, 1, len(losses), sharey=True, width_ratios=[len(found) + 1 for found in losses.values()])
    for ax, (num_heads, found) in zip(axes, losses.items(), strict=True):
        for seed in range(len(found["all"])):
            colour, mark = plots.PALETTE[seed], "osD^v"[seed]
            ax.plot(range(len(found)), [values[seed] for values in found.values()], mark, color=colour, label=f"seed {seed}")
        ax.axhline(blind, color=plots.COLOURS["grey"], linestyle="--", label="blind guess")
        ax.axhline(blind / 2, color=plots.COLOURS["grey"], linestyle=":", label="one letter known")
        plots.guess(ax, (guesses or {}).get(num_heads), list(found).index("0"))
        ax.set_xticks(range(len(found)), ["none" if name == "all" else name for name in found])
        ax.set(xlim=(-0.6, len(found) - 0.4), xlabel="missing head", title=f"{num_heads} heads")
    axes[0].set(ylabel="loss", ylim=(-0.1, None))
    handles = {name: handle for ax in axes for handle, name in zip(*ax.get_legend_handles_labels(), strict=True)}
    axes[-1].legend(handles.values(), handles.keys(), loc="upper left", bbox_to_anchor=(1, 1), fontsize=8)
    spoken = "; ".join(
        f"{num_heads} heads: with all {_spread(found['all'])}, "
        + ", ".join(f"without {name} {_spread(values)}" for name, values in found.items() if name != "all")
        for num_heads, found in losses.items()
    )
    plots.alt(figure, f"Loss without one head, a mark for each seed. {spoken}. A blind guess has {blind:.2f}.")


def _spread(values: Sequence[float]) -> str:
    return f"{min(values):.2f} to {max(values):.2f}"
