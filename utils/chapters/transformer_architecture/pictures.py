"""The drawings and plots of chapter 05: the blocks, what flows through them, gradients, losses, the share of each part."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

from utils import drawings, plots

_NAMES = {
    "self_attention": ("self-attention", "attention"),
    "cross_attention": ("cross-attention", "attention"),
    "feed_forward": ("feed-forward", "part"),
}
_SHARES = {"self_attention": "sky", "projections": "sky", "scores and mixture": "orange"}
_SHARES |= {"feed_forward": "green", "feed-forward": "green"}
_LOOKS = ("-", "--", ":", "-.")


def _column(drawn: drawings.Diagram, column: float, sublayers: Sequence[str], norm_first: bool, shape: str) -> list[str]:
    """One block, from below; returns the names of its boxes."""
    names: list[str] = []
    fork = f"x{column}"
    drawn.box(fork, column, -0.2, f"x  {shape}", kind="data", wide=1.8)
    below = fork
    for number, sublayer in enumerate(sublayers, 1):
        norm, add = (f"norm{number}", "norm"), (f"add{number}", "add")
        part = (sublayer, _NAMES[sublayer][1])
        for name, kind in (norm, part, add) if norm_first else (part, add, norm):
            here = f"{name}{column}"
            names.append(here)
            text = "+" if kind == "add" else _NAMES.get(name, (name,))[0]
            drawn.box(here, column, len(names), text, kind).arrow(below, here)
            if kind == "add":
                drawn.skip(fork, here)
            below = here
        fork = below
    drawn.box(f"out{column}", column, len(names) + 1, shape, kind="data").arrow(below, f"out{column}")
    return names


@plots.picture
def encoder_blocks(batch: int, seq: int, d_model: int) -> None:
    """Draws an encoder block in both orders, for x of these sizes."""
    drawn, shape = drawings.Diagram(column=2.9, row=0.6), f"({batch}, {seq}, {d_model})"
    for column, norm_first in enumerate((False, True)):
        names = _column(drawn, column, ("self_attention", "feed_forward"), norm_first, shape)
        drawn.frame(names, ("post-norm", "pre-norm")[norm_first])
    drawn.show(
        f"Two encoder blocks side by side. x of shape {shape} goes in from below, and the same shape comes out. Post-norm: "
        "self-attention, sum with x, norm1, feed-forward, sum with what norm1 gave, norm2. Pre-norm: norm1, self-attention, "
        "sum with x, norm2, feed-forward, sum; no norm stands on the way of the sums."
    )


@plots.picture
def decoder_blocks(batch: int, seq: int, k_len: int, d_model: int) -> None:
    """Draws a decoder block in both orders, with the memory that it reads."""
    drawn, shape = drawings.Diagram(column=2.9, row=0.56), f"({batch}, {seq}, {d_model})"
    sublayers = ("self_attention", "cross_attention", "feed_forward")
    memory = f"memory\n({batch}, {k_len}, {d_model})"
    for column, norm_first in enumerate((False, True)):
        names = _column(drawn, 1.42 * column, sublayers, norm_first, shape)
        drawn.frame(names, ("post-norm", "pre-norm")[norm_first])
        cross = next(name for name in names if name.startswith("cross"))
        drawn.box(f"memory{column}", 1.42 * column + 0.68, names.index(cross) + 1, memory, kind="data", wide=0.95)
        drawn.arrow(f"memory{column}", cross, sides=("left", "right"))
    drawn.show(
        f"Two decoder blocks side by side. x of shape {shape} goes in from below, the same shape comes out. Post-norm: "
        "self-attention, sum, norm1, cross-attention, sum, norm2, feed-forward, sum, norm3. Pre-norm: each norm stands before "
        f"its sublayer, the sums after it. In both the memory of shape ({batch}, {k_len}, {d_model}) enters the "
        "cross-attention from the side, as keys and values."
    )


@plots.picture
def flow(seen: Sequence[tuple[str, tuple[int, ...], tuple[int, ...]]], title: str) -> None:
    """Draws the parts that `experiment.shapes` saw, in the order of their calls, with the shapes between them."""
    drawn = drawings.Diagram(row=0.62)
    drawn.box("start", 0, 0, "x", kind="data")
    below, words = "start", []
    shape: tuple[int, ...] | None = None
    for row, (name, given, made) in enumerate(seen, 1):
        kind = "norm" if name.startswith("norm") else "attention" if "attention" in name else "part"
        kind = "step" if "dropout" in name else kind
        key = f"{name} {row}"
        drawn.box(key, 0, row, name, kind, wide=2.1).arrow(below, key, str(given))
        below, shape = key, made
        words.append(f"{name} takes {given} and gives {made}")
    drawn.box("end", 0, len(seen) + 1, "output", kind="data").arrow(below, "end", str(shape))
    drawn.text(0, len(seen) + 1.55, title, bold=True)
    drawn.show(f"{title}, in the order of the calls: " + "; ".join(words) + ".")


@plots.picture
def gradients(
    depths: Sequence[int], panels: Mapping[str, Mapping[str, Sequence[Sequence[float]]]], guess: float | None = None
) -> None:
    """Plots `panels`, {title: what `experiment.gradients` found}: a line for each seed; `guess` is a learner's number."""
    figure, axes = plots.figure(7.8, 3.7, 1, len(panels), sharey=True, squeeze=False)
    for ax, (title, found) in zip(axes[0], panels.items(), strict=True):
        for (way, rows), colour, look in zip(found.items(), cycle(plots.PALETTE), cycle(_LOOKS)):
            for seed in range(len(rows[0])):
                norms = [max(row[seed], 1e-30) for row in rows]
                ax.plot(depths, norms, look, color=colour, lw=1.2, marker=".", label=way if seed == 0 else None)
        ax.set_xscale("log", base=2)
        ax.set_xticks(depths, depths)
        ax.minorticks_off()
        ax.set(yscale="log", xlabel="blocks", title=title)
    plots.guess(axes[0, 0], guess, depths[-1])
    axes[0, 0].set(ylabel="gradient norm, first block", ylim=(1e-12, 1e16))
    axes[0, 0].legend(fontsize=8)
    spoken = "; ".join(
        f"{title}: " + ", ".join(f"{way} {min(rows[-1]):.0e} to {max(rows[-1]):.0e}" for way, rows in found.items())
        for title, found in panels.items()
    )
    plots.alt(figure, f"Gradient norm at the first block against the number of blocks. At {depths[-1]} blocks, {spoken}.")


@plots.picture
def runs(
    histories: Mapping[str, Sequence[Sequence[float]]],
    chance: float | None = None,
    smooth: int = 5,
    top: float | None = None,
) -> None:
    """Plots `histories`, {label: a list of losses for each seed}: a thin line a seed, a colour and a dash a label."""
    figure, ax = plots.figure(7.2, 3.6)
    for (label, seeds), colour, look in zip(histories.items(), cycle(plots.PALETTE), cycle(_LOOKS)):
        for number, history in enumerate(seeds):
            steps = range(smooth, len(history) + 1, smooth)
            means = [sum(history[step - smooth : step]) / smooth for step in steps]
            ax.plot(steps, means, look, color=colour, linewidth=1.1, label=label if number == 0 else None)
    if chance is not None:
        ax.axhline(chance, color=plots.COLOURS["grey"], linestyle=(0, (1, 3)), label="blind guess")
    ax.set(xlabel="step", ylabel="loss", ylim=(0, top))
    ax.legend(fontsize=8, loc="upper left", bbox_to_anchor=(1, 1))
    ends = "; ".join(f"{label} {', '.join(f'{sum(h[-10:]) / 10:.2f}' for h in seeds)}" for label, seeds in histories.items())
    plots.alt(figure, f"Loss by step, a line for each seed. At the end: {ends}.")


@plots.picture
def sweep(rows: Sequence[Mapping[str, Any]]) -> None:
    """Plots the stored losses against depth, a panel for each learning rate, a dot for each seed."""
    rates = sorted({row["lr"] for row in rows})
    depths = sorted({row["depth"] for row in rows})
    figure, axes = plots.figure(7.8, 3.5, 1, len(rates), sharey=True, squeeze=False)
    kinds = [(first, warm) for first in (False, True) for warm in (False, True)]
    for ax, rate in zip(axes[0], rates, strict=True):
        for kind, colour, look in zip(kinds, plots.PALETTE, _LOOKS, strict=False):
            mine = [row for row in rows if row["lr"] == rate and (row["norm_first"], row["warm_up"] > 0) == kind]
            label = f"{'pre' if kind[0] else 'post'}-norm, {'warm-up' if kind[1] else 'no warm-up'}"
            ax.plot(depths, [sorted(row["losses"])[1] for row in mine], look, color=colour, linewidth=1.3, label=label)
            for row in mine:
                ax.plot([row["depth"]] * len(row["losses"]), row["losses"], "o", color=colour, markersize=3, alpha=0.7)
        ax.set_xscale("log", base=2)
        ax.set_xticks(depths, depths)
        ax.minorticks_off()
        ax.set(xlabel="blocks", title=f"learning rate {rate:g}", ylim=(0, None))
    axes[0, 0].set_ylabel("loss after 200 steps")
    axes[0, 0].legend(fontsize=8)
    spoken = "; ".join(
        f"rate {row['lr']:g}, {row['depth']} blocks, {'pre' if row['norm_first'] else 'post'}-norm, "
        f"{'with' if row['warm_up'] else 'no'} warm-up: {', '.join(f'{x:.2f}' for x in row['losses'])}"
        for row in rows
    )
    plots.alt(figure, f"Loss after 200 steps against the number of blocks, a dot for each of three seeds. {spoken}.")


@plots.picture
def shares(
    lengths: Sequence[int], parts: Mapping[str, Sequence[int]], parameters: Mapping[str, int], guess: float | None = None
) -> None:
    """Plots where a block's parameters are (a bar) and, for each length, where its multiplications are.

    `parts` {name: [multiplications at each length]}; `parameters` {name: number}; `guess` a share from 0 to 1.
    """
    figure, (left, right) = plots.figure(7.8, 3.3, 1, 2, width_ratios=[1, 2.2])
    colours = {name: plots.COLOURS[_SHARES.get(name, "purple")] for name in (*parameters, *parts)}
    base, whole = 0.0, sum(parameters.values())
    for name, number in parameters.items():
        left.bar(0, number / whole, 0.5, base, color=colours[name], edgecolor="white")
        if number / whole > 0.04:
            left.text(0, base + number / whole / 2, f"{name}\n{number / whole:.0%}", ha="center", va="center", fontsize=8)
        base += number / whole
    if plots.guess(left, guess):
        left.legend(loc="lower left", bbox_to_anchor=(0, 1))
    left.set(ylabel="share of the parameters", ylim=(0, 1), xlim=(-0.5, 0.5), xticks=[])
    low = [0.0] * len(lengths)
    totals = [sum(column) for column in zip(*parts.values(), strict=True)]
    for name, numbers in parts.items():
        high = [start + number / total for start, number, total in zip(low, numbers, totals, strict=True)]
        right.fill_between(lengths, low, high, color=colours[name], label=name, alpha=0.85)
        low = high
    right.set_xscale("log", base=2)
    right.set_xticks(lengths, lengths, rotation=45)
    right.minorticks_off()
    right.set(xlabel="length of the sequence", ylabel="share of the multiplications", ylim=(0, 1))
    handles, labels = right.get_legend_handles_labels()
    right.legend(handles[::-1], labels[::-1], fontsize=8, loc="lower left")
    ends = ", ".join(f"{name} {numbers[0] / totals[0]:.0%} to {numbers[-1] / totals[-1]:.0%}" for name, numbers in parts.items())
    held = ", ".join(f"{name} {number / whole:.0%}" for name, number in parameters.items())
    plots.alt(figure, f"Parameters: {held}. Multiplications from length {lengths[0]} to {lengths[-1]}: {ends}.")
