"""The pictures of chapter 01: the way from the first input to the last output, gradients, recall, weights, times."""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from utils import drawings, plots
from utils.chapters.attention_problem import experiment as toy
from utils.palette import GREY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@plots.picture
def paths(seq: int, width: int) -> None:
    """Draws an unrolled recurrent network beside attention, for one sequence of `seq` vectors of `width` numbers."""
    drawn, last = drawings.Diagram(column=0.66, row=0.66), seq - 1
    shape = f"(1, {seq}, {width})"
    for side, (made, kind) in enumerate((("h", "part"), ("y", "attention"))):
        start = side * (seq + 1.5)
        for place in range(seq):
            drawn.box(f"x{side}{place}", start + place, 0, f"x{place}", "step", wide=0.42)
            drawn.box(f"{made}{place}", start + place, 2, f"{made}{place}", kind, wide=0.42)
    for place in range(seq):
        drawn.arrow(f"x0{place}", f"h{place}", tone="strong" if place == 0 else "plain")
        if place:
            drawn.arrow(f"h{place - 1}", f"h{place}", tone="strong")
    for source in range(seq):
        for target in range(seq):
            drawn.arrow(f"x1{source}", f"y{target}", tone="strong" if (source, target) == (0, last) else "faint")
    for side, (title, way) in enumerate(
        (
            ("recurrent network", f"x0 → h{last}: {last} steps from state to state, one after the other"),
            ("attention", f"x0 → y{last}: 1 step, and no output waits for another"),
        )
    ):
        middle = side * (seq + 1.5) + last / 2
        drawn.text(middle, 3.15, title, size=10, bold=True)
        drawn.text(middle, -1, way, size=9, colour=VERMILLION)
        drawn.text(middle, 2.65, f"{'states' if side == 0 else 'outputs'} {shape}")
        drawn.text(middle, -0.6, f"inputs {shape}")
    drawn.show(
        f"Two networks that read {seq} inputs, x0 to x{last}. On the left a recurrent network: each state is made from one input "
        f"and from the state before it, so the way from x0 to h{last} goes through all states, {last} steps. On the right "
        f"attention: an arrow from every input to every output, so the way from x0 to y{last} is one step."
    )


@plots.picture
def fading(apart: Mapping[str, Sequence[float]], guess: float | None) -> None:
    """Distances of two states by step, {gain: distances}, and the distance that was guessed for the last step."""
    steps = len(next(iter(apart.values()))) - 1
    ax = plots.curves(range(steps + 1), apart, "steps after the difference", "distance of the states", logy=True)
    ax.set_ylim(1e-12, 1e2)
    plots.guess(ax, guess, steps)
    said = ", ".join(f"{name} {distances[-1]:.0e}" for name, distances in apart.items())
    plots.alt(ax, f"Distance of two states against steps, logarithmic. After {steps} steps: {said}.")


@plots.picture
def reach(norms: Mapping[str, Any], lowest: float, highest: float, alt: str, every: int = 4) -> None:
    """Gradient norms {label: (distances,)}, from the last position back, on a logarithmic axis."""
    back = list(range(0, len(next(iter(norms.values()))), every))
    _, ax = plots.figure(width=8)
    lines = {name: values[back].tolist() for name, values in norms.items()}
    plots.curves(back, lines, "steps back from the last output", "norm of the gradient", ax=ax, logy=True)
    ax.set_ylim(lowest, highest)
    plots.alt(_legend_beside(ax), alt)


def recall(
    found: toy.Recalled, distances: Sequence[int], alt: str, guesses: Mapping[str, float | None], far: Mapping[str, int]
) -> None:
    """The means of a `sweep` against the distance, with a band from the lower seed to the higher, and a table of all seeds.

    `guesses` says up to which k each model was expected to be right: a named ring at the level that counts as right.
    `far` says at which distance its gradient has faded: a triangle in the model's colour, at the bottom.
    """
    nothing = [float("nan")]
    series = {name: [scores.get(distance, nothing) for distance in distances] for name, scores in found.items()}
    means = {name: [statistics.fmean(scores) for scores in row] for name, row in series.items()}
    spread = {name: ([min(scores) for scores in row], [max(scores) for scores in row]) for name, row in series.items()}
    _, ax = plots.figure(width=8)
    plots.curves(distances, means, "k: how many steps back", "accuracy", ax=ax, spread=spread, logx=True)
    ax.axhline(toy.CHANCE, color=GREY, linestyle="--")
    ax.text(distances[-1], toy.CHANCE + 0.02, "guessing", ha="right", color=GREY)
    colours = {line.get_label(): line.get_color() for line in ax.get_lines()}
    for name, back in far.items():
        if back <= distances[-1]:
            ax.plot(back, 0.03, "^", color=colours[name], markersize=8)
    ax.plot([], [], "^", color=GREY, markersize=8, label="1 % of its gradient")
    ax.set_ylim(0, 1.05)
    for row, (name, k) in enumerate(guesses.items()):
        if isinstance(k, int | float) and k > 0:
            plots.guess(ax, toy.LOST, k, "_")
            side = "right" if k > distances[-2] else "center"
            ax.text(k, toy.LOST - 0.08 - 0.07 * row, f"guess: {name}", ha=side, fontsize=8, color=VERMILLION)
    plots.alt(_legend_beside(ax), alt)
    print("% right, 3 seeds " + "".join(f"{f'k = {k}':>9}" for k in distances))
    for name, scores in found.items():
        seeds = [sorted(round(100 * score) for score in scores.get(k, [])) for k in distances]
        cells = ["" if not each else f"{each[0]}" if each[0] == each[-1] else f"{each[0]}–{each[-1]}" for each in seeds]
        print(f"{name:17}" + "".join(f"{cell:>9}" for cell in cells))


@plots.picture
def steps_compared(runs: Mapping[str, Mapping[str, Sequence[Sequence[float]]]]) -> None:
    """Losses of three seeds, {panel: {way: losses by seed}}, on one scale, and where a blind guess would be."""
    drawn, axes = plots.figure(4.8 * len(runs) + 0.8, 3.2, 1, len(runs), sharey=True, squeeze=False)
    for ax, (title, ways) in zip(axes[0], runs.items(), strict=True):
        plots.losses(ways, ax, smooth=10).set_title(title)
        ax.axhline(math.log(toy.VOCAB), color=GREY, linestyle="--")
        ax.text(ax.get_xlim()[1], math.log(toy.VOCAB) - 0.5, "guessing", ha="right", color=GREY, fontsize=8)
        ax.set_ylim(0, 8)
    ends = "; ".join(
        f"{title}, {way}: " + ", ".join(f"{statistics.fmean(losses[-20:]):.2f}" for losses in histories)
        for title, ways in runs.items()
        for way, histories in ways.items()
    )
    plots.alt(drawn, f"Loss against steps, three seeds each; a blind guess has 2.08. Mean of the last 20 steps: {ends}.")


@plots.picture
def looks(weights: Any, states: Any, texts: Sequence[str]) -> None:
    """Weights of the last position for some sequences, beside the states (seq, width) of a recurrent network for the first."""
    drawn, (left, right) = plots.figure(10, 3.4, 1, 2)
    plots.attention_map(weights, texts, range(len(texts[0])), "attention: weights of the last position", left, 1.0)
    left.set(xlabel="position", ylabel="sequence")
    image = right.imshow(states.T, vmin=-1, vmax=1, cmap=plots.DIVERGING, aspect="auto")
    drawn.colorbar(image, ax=right, label="state")
    right.set(title="plain network: states, first sequence", xlabel="position", ylabel="number in it")
    right.grid(False)
    plots.alt(
        drawn,
        "Left: in all sequences nearly all weight lies on position 0, whatever letter stands there. Right: a patchwork of "
        f"{states.shape[1]} numbers over {states.shape[0]} positions, in which no letter can be made out.",
    )


def changes(weights: Sequence[float], shares: Mapping[str, Sequence[float]], guess: float | None) -> None:
    """Per position: attention's mean weight, and how often each model's answer changes with its letter, {model: shares}.

    The guess is for the last of the models at position 0.
    """
    print("            mean weight   the answer changes in")
    print("position   of attention" + "".join(f"{name:>15}" for name in shares))
    for place, weight in enumerate(weights):
        print(f"{place:8} {weight:14.2f}" + "".join(f"{row[place]:15.0%}" for row in shares.values()))
    _change_bars(len(weights), shares, guess)


@plots.picture
def _change_bars(places: int, shares: Mapping[str, Sequence[float]], guess: float | None) -> None:
    drawn, ax = plots.figure(7.5, 2.8)
    width = 0.8 / len(shares)
    for number, (name, row) in enumerate(shares.items()):
        ax.bar([place + width * number for place in range(len(row))], row, width, label=name, color=plots.PALETTE[number])
    ax.set_xticks([place + 0.4 - width / 2 for place in range(places)], [str(place) for place in range(places)])
    ax.set(xlabel="position of the exchanged letter", ylabel="answer changes", ylim=(0, 1.05))
    ax.legend()
    plots.guess(ax, guess, width * (len(shares) - 1))
    said = "; ".join(f"{name} " + " ".join(f"{share:.2f}" for share in row) for name, row in shares.items())
    plots.alt(drawn, f"Share of sequences in which the answer changes, by the position of the exchanged letter: {said}.")


Times = Mapping[str, Mapping[int, Mapping[str, float]]]
"""{run: {length: {layer: seconds}}}"""


@plots.picture
def times(measured: Times, guess: float | None, guessed: str, alt: str) -> None:
    """A panel of milliseconds against the length for each run; a guessed length is ringed on the line of `guessed`."""
    drawn, axes = plots.figure(10, 3.4, 1, len(measured), sharey=True)
    for ax, (run, rows) in zip(axes, measured.items(), strict=True):
        lengths = list(rows)
        lines = {name: [1000 * row[name] for row in rows.values()] for name in rows[lengths[0]]}
        plots.curves(lengths, lines, "seq", "milliseconds" if ax is axes[0] else "", run, ax=ax, logx=True, logy=True)
        ax.set_xticks(lengths[::2], lengths[::2])
        if ax is not axes[0]:
            ax.get_legend().remove()
        elif isinstance(guess, int | float) and lengths[0] <= guess <= lengths[-1]:
            nearest = min(range(len(lengths)), key=lambda i: abs(math.log(lengths[i] / guess)))
            plots.guess(ax, lines[guessed][nearest], guess)
    plots.alt(drawn, alt)


def crossings(measured: Times, pairs: Mapping[str, tuple[str, str]]) -> None:
    """Prints for each run how a recurrent layer's time relates to attention's, {pair: (recurrent, attention)}."""
    print("time of the recurrent layer / time of attention; where attention is slower")
    for run, rows in measured.items():
        print(run)
        for name, (recurrence, attending) in pairs.items():
            ratios = [row[recurrence] / row[attending] for row in rows.values()]
            print(
                f"  {name:11} at 16: {ratios[0]:4.1f}   at {max(rows):4}: {ratios[-1]:4.2f}"
                f"   slower {toy.crossing(list(rows), ratios)}"
            )


def _legend_beside(ax: "Axes") -> "Axes":
    ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return ax
