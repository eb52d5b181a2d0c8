"""The drawings and plots of chapter 03: one sequence in three roles, where a layer looks, what two ways of training lead to."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from utils import drawings, plots
from utils.palette import BLUE, INK, ORANGE, SKY, VERMILLION

Runs = Mapping[str, Sequence[Sequence[float]]]
"""{way: a list for each seed}"""


@plots.picture
def projections(batch: int, seq: int, d_model: int, d_k: int, d_v: int) -> None:
    """Draws self-attention for X of these sizes: three matrices make queries, keys and values of it."""
    drawn = drawings.Diagram(column=2.0, row=0.7)
    sizes = {"Q": d_k, "K": d_k, "V": d_v}
    drawn.box("x", 1, 0, f"X  ({batch}, {seq}, {d_model})", "step", wide=1.5)
    drawn.box("attention", 1, 3.4, "attention (chapter 2):  softmax(Q Kᵀ / √d_k) V", "attention", wide=4.1)
    for column, (name, size) in enumerate(sizes.items()):
        drawn.box(name, column, 1.3, f"w_{name.lower()}:  {d_model} → {size}", wide=1.3)
        drawn.box(f"role{name}", column, 2.35, f"{name}  ({batch}, {seq}, {size})", "step", wide=1.45)
        drawn.box(f"into{name}", column, 3.4, "", "data", wide=0.1)
        drawn.arrow("x", name, sides=("top", "bottom")).arrow(name, f"role{name}").arrow(f"role{name}", f"into{name}")
    for middle, said in ((0.5, f"output  ({batch}, {seq}, {d_v})"), (1.5, f"weights  ({batch}, {seq}, {seq})")):
        drawn.box(f"from{middle}", middle, 3.4, "", "data", wide=0.1).box(said, middle, 4.35, kind="data")
        drawn.arrow(f"from{middle}", said)
    drawn.show(
        f"X of shape ({batch}, {seq}, {d_model}) goes into three matrices side by side: w_q makes Q ({batch}, {seq}, {d_k}) of "
        f"it, w_k makes K ({batch}, {seq}, {d_k}), w_v makes V ({batch}, {seq}, {d_v}). Attention takes the three and gives the "
        f"output ({batch}, {seq}, {d_v}) and the weights ({batch}, {seq}, {seq})."
    )


@plots.picture
def next_words(words: Sequence[str], position: int = 1) -> None:
    """Draws `words` as input and, shifted by one, as targets; the answer of one `position` is traced back to the input."""
    shown, targets = words[:-1], words[1:]
    drawn = drawings.Diagram(column=0.92, row=0.62)
    for place, (word, target) in enumerate(zip(shown, targets, strict=True)):
        drawn.text(place, -0.75, str(place))
        drawn.box(f"in{place}", place, 0, word, "step", wide=0.72)
        drawn.box(f"out{place}", place, 2.3, target, "data", wide=0.72, ground=drawings.KINDS["norm"])
        drawn.arrow(f"in{place}", f"out{place}")
        if place:
            drawn.arrow(f"in{place}", f"out{place - 1}", tone="strong" if place == position + 1 else "faint")
    for row, said in ((0, "the model reads"), (2.3, "it is to say"), (-0.75, "position")):
        drawn.text(-0.65, row, said, align="right")
    answer = f"at position {position} the answer is “{targets[position]}”: the input at position {position + 1}"
    drawn.text((len(shown) - 1) / 2, 3.05, answer, colour=VERMILLION)
    pairs = ", ".join(f"{word} → {target}" for word, target in zip(shown, targets, strict=True))
    drawn.show(
        f"Two rows of words. The model reads {' '.join(shown)}; above each word stands what it is to say there, the next one: "
        f"{pairs}. The upper row is the lower one shifted by one: the answer at position {position}, {targets[position]}, is the "
        f"input at position {position + 1}."
    )


@plots.picture
def maps(titled: Mapping[str, tuple[torch.Tensor, Sequence[str]]]) -> None:
    """Draws maps side by side, {title: (weights (seq, seq), words)}, on a scale from 0 to 1."""
    figure, grid = plots.figure(0.8 + 3.3 * len(titled), 3.6, columns=len(titled), squeeze=False)
    axes = grid[0]
    for ax, (title, (weights, words)) in zip(axes, titled.items(), strict=True):
        plots.attention_map(weights, words, words, title, ax, largest=1.0)
    for ax in axes[1:]:
        ax.set_ylabel("")
    plots.alt(figure, "; ".join(f"{title}: {_most(weights, words)}" for title, (weights, words) in titled.items()))


def _most(weights: torch.Tensor, words: Sequence[str]) -> str:
    """Where each row of a map has its largest weight, in words."""
    rows = zip(words, weights, strict=True)
    return ", ".join(f"{word} most on {words[int(row.argmax())]} ({float(row.max()):.2f})" for word, row in rows)


@plots.picture
def looks(weights: torch.Tensor, words: Sequence[str], guesses: Mapping[str, str | None] | None = None) -> None:
    """Draws where the layer looks for each hidden word; `guesses`, {hidden word: word}, as frames."""
    ax = plots.attention_map(weights, [f"? for {word}" for word in words], words, "where the layer looks", largest=1.0)
    plots.guessed_keys(ax, words, words, guesses or {})
    plots.alt(ax, f"Heat map of weights, a row for each hidden word: {_most(weights, words)}.")


@plots.picture
def fill_in_losses(history: Sequence[float], best: float) -> None:
    """Plots the losses of guessing a hidden word, with the best that is possible."""
    ax = plots.losses({"one hidden word": history}, smooth=20)
    ax.axhline(best, color=plots.COLOURS["grey"], linestyle="--", label="best possible")
    ax.legend()
    end = sum(history[-50:]) / 50
    plots.alt(
        ax, f"The loss of guessing a hidden word falls from {history[0]:.2f} to {end:.2f}; the best possible is {best:.2f}."
    )


@plots.picture
def held_back(
    ends: Mapping[str, Sequence[float]],
    weights: Mapping[str, Sequence[torch.Tensor]],
    words: Sequence[str],
    best: float,
    guess: float | None = None,
) -> None:
    """Draws losses and maps of two ways of training, a dot and a map for each seed; `guess` is of the second way's loss."""
    seeds = len(next(iter(ends.values())))
    figure, grid = plots.figure(10.0, 4.4, len(ends), seeds + 1, width_ratios=[1.5] + [1.0] * seeds)
    for row in grid:
        row[0].remove()
    strip = figure.add_subplot(grid[0, 0].get_gridspec()[:, 0])
    for place, (way, values) in enumerate(ends.items()):
        strip.plot([place - 0.12 + 0.06 * seed for seed in range(seeds)], values, "o", alpha=0.8)
        for seed, (ax, value) in enumerate(zip(grid[place, 1:], weights[way], strict=True)):
            plots.attention_map(value, words, words, f"seed {seed}: {values[seed]:.2f}", ax, largest=1.0, numbers=False)
            ax.set(xlabel="", ylabel="" if seed else way)
            ax.tick_params(labelbottom=place == len(ends) - 1, labelleft=seed == 0)
    strip.axhline(best, color=plots.COLOURS["grey"], linestyle="--", label="best possible")
    strip.set_xticks(range(len(ends)), [way.replace(" ", "\n", 1) for way in ends])
    plots.guess(strip, guess, len(ends) - 1)
    strip.set(xlim=(-0.5, len(ends) - 0.5), ylim=(0, None), ylabel="loss at the end")
    strip.legend(fontsize=8)
    spoken = "; ".join(f"{way}: {', '.join(f'{value:.2f}' for value in values)}" for way, values in ends.items())
    plots.alt(figure, f"Losses at the end, five seeds a way, best possible {best:.2f}. {spoken}. Beside them a map for each.")


@plots.picture
def next_word_losses(histories: Runs, entropy: float, guess: float | None = None) -> None:
    """Plots losses by step on a logarithmic axis, a thin line a seed, with the entropy and a learner's `guess`."""
    ax = plots.losses(histories, smooth=20)
    ax.axhline(entropy, color=plots.COLOURS["grey"], linestyle="--", label="entropy")
    ax.set_yscale("log")
    plots.guess(ax, max(guess, 1e-4) if isinstance(guess, int | float) else None)  # 0 has no place on this axis
    ax.legend()
    ends = "; ".join(f"{way} {_range([sum(run[-50:]) / 50 for run in runs])}" for way, runs in histories.items())
    plots.alt(ax, f"Loss by step, three seeds each, on a logarithmic axis. At the end: {ends}; the entropy is {entropy:.2f}.")


@plots.picture
def judged(
    losses: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    shares: Mapping[str, Sequence[float]],
    entropy: float,
    guess: float | None = None,
) -> None:
    """Plots what two ways of training lead to, a dot a seed; `guess` is of the last way's share.

    `losses` {way: (as trained, with the future hidden)}; `shares` {way: share of the texts that the language allows}.
    """
    figure, (left, right) = plots.figure(9.0, 2.6, columns=2, sharey=True)
    for row, (way, both) in enumerate(losses.items()):
        for values, mark, name, colour in zip(both, "oD", ("as trained", "future hidden"), (BLUE, ORANGE), strict=True):
            left.plot(values, [row] * len(values), mark, color=colour, label="_" if row else name, markeredgecolor=INK)
        right.barh(row, sum(shares[way]) / len(shares[way]), color=SKY, height=0.5)
        right.plot(shares[way], [row] * len(shares[way]), "o", color=INK)
    left.axvline(entropy, color=plots.COLOURS["grey"], linestyle="--", label="entropy")
    left.set(xscale="log", xlabel="loss", ylim=(len(losses) - 0.5, -0.5))
    left.set_yticks(range(len(losses)), losses)
    above: dict[str, Any] = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 3, "fontsize": 8}
    left.legend(**above)
    right.set(xlim=(-0.03, 1.03), xlabel="share of the texts that the language allows")
    if plots.guess_along(right, guess, len(losses) - 1):
        right.legend(**above)
    spoken = "; ".join(
        f"{way}: loss as trained {_range(seen)}, with the future hidden {_range(blind)}, share of sentences {_range(shares[way])}"
        for way, (seen, blind) in losses.items()
    )
    plots.alt(figure, f"Losses and shares, a dot for each seed. {spoken}. The entropy is {entropy:.2f}.")


@plots.picture
def changes(differences: Mapping[str, torch.Tensor], words: Sequence[str], guesses: Mapping[str, float | None]) -> None:
    """Plots the largest change of each word's output, {what is compared: differences (seq, d)}; `guesses` {word: change}."""
    _, ax = plots.figure(6.0, 2.6)
    largest = {name: difference.abs().amax(dim=-1).tolist() for name, difference in differences.items()}
    for (name, values), mark, colour in zip(largest.items(), "oD", (BLUE, ORANGE), strict=True):
        ax.plot(range(len(words)), values, mark, color=colour, label=name, markeredgecolor=INK, markersize=6)
    ax.set_xticks(range(len(words)), words)
    for word, guess in guesses.items():
        plots.guess(ax, guess, words.index(word))
    ax.set(xlabel="word", ylabel="change of the output", ylim=(-0.02, None))
    ax.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3)
    spoken = "; ".join(f"{name} {_range(values)}" for name, values in largest.items())
    plots.alt(ax, f"Largest change of each word's output when the sentence is reversed. {spoken}.")


@plots.picture
def pads(counts: Sequence[int], changed: Mapping[str, Sequence[float]]) -> None:
    """Plots by how much a word's output changes with the number of pads, {name: changes}."""
    _, ax = plots.figure(5.6, 2.8)
    plots.curves(counts, changed, "pads behind the sentence", "change of cat's output", ax=ax)
    ax.set_xticks(counts)
    spoken = "; ".join(f"{name}: {', '.join(f'{value:.2g}' for value in values)}" for name, values in changed.items())
    plots.alt(ax, f"Largest change of the output of cat with {', '.join(map(str, counts))} pads. {spoken}.")


@plots.picture
def losses_by_place(trained: Mapping[str, Sequence[Any]], hidden: Mapping[str, Sequence[Any]], blind: float) -> None:
    """Plots losses by place: on the left as trained, on the right with the future hidden; `blind` is that of a blind guess.

    A way has a list of losses, or several, one for each seed: then the line is their mean and the band their spread.
    """
    figure, (left, right) = plots.figure(9.5, 3.6, 1, 2)
    for ax, ways, title in ((left, trained, "as trained"), (right, hidden, "with the future hidden, as while writing")):
        seeds = {name: _seeds(values) for name, values in ways.items()}
        lines = {name: [sum(at) / len(at) for at in zip(*runs, strict=True)] for name, runs in seeds.items()}
        bands = {name: _band(runs) for name, runs in seeds.items()}
        places = range(len(next(iter(lines.values()))))
        plots.curves(places, lines, "place in the window", "loss", title, ax=ax, spread=bands)
        ax.axhline(blind, color=plots.COLOURS["grey"], linestyle="--", label="guessing blindly")
        ax.set_ylim(0, 1.1 * max(blind, *(max(highest) for _, highest in bands.values())))
        if ax is left:
            _mark_last_place(left, lines)
    left.legend(loc="center left", bbox_to_anchor=(0, 0.4))
    right.get_legend().remove()
    first, last = ({name: _range([run[at] for run in _seeds(ways)]) for name, ways in trained.items()} for at in (0, -1))
    ends = "; ".join(f"{name} {first[name]} at place 0, {last[name]} at the last" for name in trained)
    writing = "; ".join(f"{name} {_range(sum(_seeds(values), []))}" for name, values in hidden.items())
    plots.alt(figure, f"Loss by place. As trained: {ends}. With the future hidden: {writing}. A blind guess: {blind:.2f}.")


def _seeds(values: Sequence[Any]) -> list[list[float]]:
    """The runs of a way: `values` itself where it is a single one."""
    return [list(run) for run in values] if isinstance(values[0], Sequence) else [list(values)]


def _band(runs: Sequence[Sequence[float]]) -> tuple[list[float], list[float]]:
    """(lowest, highest) by place."""
    return [min(at) for at in zip(*runs, strict=True)], [max(at) for at in zip(*runs, strict=True)]


def _range(values: Sequence[float]) -> str:
    """The values from the lowest to the highest, in words."""
    lowest, highest = f"{min(values):.2g}", f"{max(values):.2g}"
    lowest, highest = (f"{min(values):.2f}", f"{max(values):.2f}") if min(values) >= 0.095 else (lowest, highest)
    return lowest if lowest == highest else f"{lowest} to {highest}"


def _mark_last_place(ax: Any, lines: Mapping[str, Sequence[float]]) -> None:
    """An arrow to the highest loss at the last place, with the losses of all there."""
    last = {name: values[-1] for name, values in lines.items()}
    place, worst = len(next(iter(lines.values()))) - 1, max(last.values())
    words = "\n".join(["at the last place", *(f"{name}: {value:.2f}" for name, value in last.items())])
    arrow = {"arrowstyle": "->", "color": VERMILLION}
    ax.annotate(words, (place, worst), (place - 14, 0.3 * worst), fontsize=9, color=VERMILLION, arrowprops=arrow)
