"""The pictures of chapter 06: where positions enter a layer, what they look like, and what each way of giving them is worth."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from utils import drawings, plots
from utils.chapters.positional_encoding.experiment import GROUPS, TOKENS, TRAINED, mean_over
from utils.palette import BLUE, INK, PALETTE, QUIET, RULE, VERMILLION

FAR = GROUPS[-1]  # the places of the guess on long sequences


@plots.picture
def entries(batch: int, seq: int, d_model: int) -> None:
    """Draws one attention layer for sequences of this size, and the three places at which positions can enter it."""
    rows, scores = f"({batch}, {seq}, {d_model})", f"({batch}, {seq}, {seq})"
    drawn = drawings.Diagram(column=1.75, row=0.62)
    drawn.box("tokens", 1, 0, f"tokens  ({batch}, {seq})", "data").box("embedding", 1, 1)
    drawn.box("add", 1, 2, "+", "add").arrow("tokens", "embedding").arrow("embedding", "add", rows)
    for column, name in enumerate("qkv"):
        drawn.box(f"w_{name}", column, 3.3, f"w_{name}", wide=1.0).arrow("add", f"w_{name}", sides=("top", "bottom"))
    drawn.box("turn", 0.5, 4.4, "turn q and k", "norm", wide=2.75)
    drawn.box("scores", 0.5, 5.5, "q kᵀ / √d_k", "attention", wide=2.75)
    for column, name in enumerate("qk"):
        drawn.box(f"to {name}", column, 4.4, "", "data", wide=0.1).arrow(f"w_{name}", f"to {name}", rows)
        drawn.box(f"from {name}", column, 5.5, "", "data", wide=0.1).arrow(f"to {name}", f"from {name}", rows)
    drawn.box("bias", 0.5, 6.4, "+", "add").arrow("scores", "bias", scores)
    drawn.box("softmax", 0.5, 7.3, "softmax", "attention").arrow("bias", "softmax", scores)
    drawn.box("mixture", 0.5, 8.3, "weights · v", "attention").arrow("softmax", "mixture", scores)
    drawn.arrow("w_v", "mixture", sides=("top", "right"))
    drawn.box("output", 0.5, 9.2, f"output  {rows}", "data").arrow("mixture", "output")
    for name, row, end, words in (
        ("rows", 2, "add", f"sinusoidal, learned:\nadd a row  ({seq}, {d_model})"),
        ("angle", 4.4, "turn", "rotary: turn q and k\nby an angle, not v"),
        ("far", 6.4, "bias", f"ALiBi: add a bias for\nthe distance  ({seq}, {seq})"),
    ):
        drawn.box(name, -1.25, row, words, "norm", wide=1.85).arrow(name, end, sides=("right", "left"), tone="strong")
    drawn.show(
        f"One attention layer from below: tokens ({batch}, {seq}), embedding {rows}, three projections, scores {scores}, "
        f"softmax, weights times values, output {rows}. Positions can enter at three places. Sinusoidal and learned: a row is "
        "added to each embedding, below the projections. Rotary: queries and keys are turned, above their projections; values "
        "are not. ALiBi: a bias for the distance is added to the scores, before the softmax."
    )


def print_outputs(words: Sequence[str], sentences: Mapping[str, Mapping[str, torch.Tensor]]) -> None:
    """Prints the first numbers of each word's output, side by side for `sentences`, {sentence: {word: output}}."""
    print("output of" + "".join(f"     in: {sentence:22}" for sentence in sentences).rstrip())
    for word in words:
        rows = ["  ".join(f"{number:5.2f}" for number in said[word][:4].tolist()) for said in sentences.values()]
        print(f"{word:9}" + "   ".join(f"{row} …" for row in rows))


@plots.picture
def bars(shares: Mapping[str, float], guesses: Mapping[str, Any], title: str, chance: float | None = None) -> None:
    """Shows shares between 0 and 1 as bars, with a ring where a learner's guess was; `chance` is a dashed line."""
    figure, ax = plots.figure(7.2, 0.9 + 0.42 * len(shares))
    _bars(ax, shares, guesses)
    ax.set(xlim=(0, 1.08), xlabel="share right", title=title)
    if chance is not None:
        ax.axvline(chance, color=QUIET, linestyle="--", linewidth=1.2)
    plots.alt(figure, f"{title}, share right: {_listed(shares)}.")


@plots.picture
def two_bars(losses: Mapping[str, float], shares: Mapping[str, float], guesses: Mapping[str, Any]) -> None:
    """Shows two measures of the same models side by side; `guesses` are of the second."""
    figure, (left, right) = plots.figure(9.6, 0.9 + 0.42 * len(losses), 1, 2, sharey=True)
    _bars(left, losses, {})
    left.set(xlabel="loss at the end", xlim=(0, 1.15 * max(losses.values())))
    _bars(right, shares, guesses)
    right.set(xlabel="right when it goes on by itself", xlim=(0, 1.08))
    plots.alt(figure, f"Loss at the end of training: {_listed(losses)}. Right when it goes on by itself: {_listed(shares)}.")


def _bars(ax: Any, values: Mapping[str, float], guesses: Mapping[str, Any]) -> None:
    ax.barh(list(values), list(values.values()), color=BLUE, height=0.6)
    for row, (name, value) in enumerate(values.items()):
        ax.text(value, row, f" {value:.2f}", ha="left", va="center", fontsize=9)
        plots.guess_along(ax, guesses.get(name), row)
    ax.set_ylim(len(values) - 0.5, -0.5)
    ax.grid(False, axis="y")


def _listed(values: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.2f}" for name, value in values.items())


@plots.picture
def encoding(table: torch.Tensor, rows: Sequence[int] = (10, 30, 50)) -> None:
    """Shows binary digits, an encoding (seq, d_model), and the dot products of some of its `rows` with all."""
    seq, d_model = table.shape
    digits = (torch.arange(seq)[:, None] >> torch.arange((seq - 1).bit_length())) & 1
    figure, (left, middle, right) = plots.figure(10.5, 3.8, columns=3, width_ratios=[0.7, 1.6, 1.6])
    look: dict[str, Any] = {"aspect": "auto", "interpolation": "nearest"}
    left.imshow(digits, cmap=plots.SEQUENTIAL, **look)
    left.set(xlabel="digit", ylabel="position", title="binary digits")
    image = middle.imshow(table, cmap=plots.DIVERGING, vmin=-1, vmax=1, **look)
    middle.set(xlabel="column", ylabel="position", title=f"sinusoidal_encoding({seq}, {d_model})")
    figure.colorbar(image, ax=middle, label="entry")
    left.grid(False)
    middle.grid(False)
    for p in rows:
        right.plot(table @ table[p], label=f"position {p}")
    right.set(xlabel="position", ylabel="dot product", title="rows compared", ylim=(0, 0.65 * d_model))
    right.legend(ncols=2, loc="upper center")
    plots.alt(
        figure,
        "Left: binary digits as stripes, each twice as wide as the last. Middle: the same idea with smooth waves, fast in the "
        f"first columns and almost still in the last. Right: {len(rows)} curves of one shape, each with its peak of "
        f"{d_model / 2:.0f} at its own position.",
    )


@plots.picture
def looks_back(maps: Mapping[int, torch.Tensor], query: int, place: Any) -> None:
    """Shows a map (seq, seq) for each offset; `place` is where the learner expects `query` of the last map to look."""
    figure, axes = plots.figure(9, 3.9, columns=len(maps))
    for ax, (offset, weights) in zip(axes, maps.items(), strict=True):
        names = range(len(weights))
        plots.attention_map(weights, names, names, f"queries moved by {offset}", ax, 1.0, numbers=False)
    plots.weight_bar(figure, list(axes))
    if plots.guess_along(axes[-1], place, query):
        axes[-1].legend(loc="upper right")
    moved = " and ".join(str(offset) for offset in maps)
    plots.alt(
        figure,
        f"Attention maps over twelve positions, for queries moved by {moved}. Each position looks at the one that lies as many "
        "steps back. The first rows, whose target does not exist, look at the nearest there is.",
    )


@plots.picture
def turns(
    apply_rotary: Callable[..., torch.Tensor], places: Sequence[tuple[int, int]] = ((0, 1), (1, 2), (4, 5), (4, 6))
) -> None:
    """Shows one pair of a query and of a key, both (1, 0), as arrows that `apply_rotary` turns by their positions.

    `places` are the (query's, key's) positions, a panel each.
    """
    figure, axes = plots.figure(2.3 * len(places), 2.9, 1, len(places))
    words = []
    for ax, at in zip(axes, places, strict=True):
        q, k = apply_rotary(torch.tensor([[1.0, 0.0], [1.0, 0.0]]), torch.tensor(at)).tolist()
        _circle(ax)
        for (x, y), colour, name in ((q, BLUE, "q"), (k, VERMILLION, "k")):
            look = {"arrowstyle": "-|>", "color": colour, "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
            ax.annotate("", (x, y), (0, 0), arrowprops=look)
            ax.text(1.2 * x, 1.2 * y, name, ha="center", va="center", color=colour, fontsize=11, weight="bold")
        score = q[0] * k[0] + q[1] * k[1]
        ax.set_title(f"query at {at[0]}, key at {at[1]}", loc="center", fontsize=10)
        ax.text(0, -1.45, f"distance {at[1] - at[0]}:  q · k = {_signed(score)}", ha="center", va="top", fontsize=9.5, color=INK)
        words.append(f"query at {at[0]}, key at {at[1]}, distance {at[1] - at[0]}: dot product {_signed(score)}")
    plots.alt(figure, f"Query and key as arrows on a circle, both turned by their positions. {'; '.join(words)}.")


def _signed(number: float) -> str:
    return f"{number:.2f}".replace("-", "−")


def _circle(ax: Any) -> None:
    """Axes without ticks for arrows of length 1 from the middle; the dotted line is where an arrow stands at position 0."""
    from matplotlib.patches import Circle

    ax.add_patch(Circle((0, 0), 1, fill=False, edgecolor=RULE))
    ax.plot([0, 1], [0, 0], ":", color=QUIET, linewidth=1.2)
    ax.set(xlim=(-1.4, 1.4), ylim=(-1.8, 1.4), aspect="equal")
    ax.axis("off")


@plots.picture
def bias_maps(bias: torch.Tensor) -> None:
    """Shows an ALiBi bias (num_heads, seq, seq) as a heat map for each head, on one scale; what is -inf is grey."""
    from matplotlib import colormaps
    from matplotlib.patches import Patch

    heads, seq, _ = bias.shape
    lowest = bias[bias > -math.inf].min().item()
    figure, axes = plots.figure(2.35 * heads + 1.2, 3.1, 1, heads, sharey=True)
    colours = colormaps[plots.SEQUENTIAL].reversed().with_extremes(bad=RULE)
    for head, ax in enumerate(axes):
        shown = bias[head].masked_fill(bias[head] == -math.inf, math.nan)
        image = ax.imshow(shown.numpy(), vmin=lowest, vmax=0, cmap=colours)
        ax.set(title=f"head {head}", xlabel="key", xticks=range(0, seq, 4))
        ax.text(seq - 1, 0, f"{seq - 1} back:\n{_signed(bias[head, -1, 0].item())}", ha="right", va="top", fontsize=10)
        ax.grid(False)
    axes[0].set_ylabel("query")
    figure.colorbar(image, ax=list(axes), label="added to the score")
    figure.legend(handles=[Patch(color=RULE, label="key after the query: −∞")], loc="outside lower center")
    far = ", ".join(f"head {head} {_signed(bias[head, -1, 0].item())}" for head in range(heads))
    plots.alt(
        figure,
        f"{heads} maps of {seq} queries by {seq} keys. On the diagonal 0, to its left the lower the further away, to its right "
        f"minus infinity. At the largest distance: {far}.",
    )


@plots.picture
def one_curve(distances: Sequence[int], scores: Mapping[str, Sequence[float]]) -> None:
    """Shows scores against distance for queries at several places, broad lines under narrow ones."""
    ax = plots.curves(distances, scores, "distance from query to key", "dot product", "rotary")
    for line, width in zip(ax.lines, (9, 5, 1.5), strict=True):
        line.set(linewidth=width, marker="")
    ax.legend(loc="lower left", bbox_to_anchor=(1, 0))
    plots.alt(
        ax,
        "Three curves of dot product against distance that lie exactly on one another. They swing up and down and do not fade "
        "with the distance.",
    )


def print_shares(task: str, by_scheme: Mapping[str, torch.Tensor]) -> None:
    """Prints the share right of each scheme, the mean over each group of places."""
    print(f"{task:20}" + "".join(f"{f'{group[0]}–{group[-1]}':>8}" for group in GROUPS) + "   (places)")
    for scheme, by_place in by_scheme.items():
        shares = [by_place[list(group)].mean().item() for group in GROUPS]
        print(f"    {scheme:16}" + "".join(f"{share:8.2f}" for share in shares))


@plots.picture
def extrapolation(accuracies: Mapping[str, Mapping[str, torch.Tensor]], guesses: Mapping[str, Any]) -> None:
    """Shows the share right against place for each task; `guesses` are {scheme: share} at recall and the places `FAR`."""
    from matplotlib.lines import Line2D

    figure, axes = plots.figure(10.5, 3.9, columns=len(accuracies), sharey=True)
    for ax, (task, by_scheme) in zip(axes, accuracies.items(), strict=True):
        lines: dict[str, Sequence[float]] = {}
        for scheme, by_place in by_scheme.items():
            centres, lines[scheme] = mean_over(by_place[16:], first=16)
        plots.curves(centres, lines, "place", "share right", task, ax)
        ax.axvspan(0, TRAINED, color=plots.COLOURS["grey"], alpha=0.15)
        ax.axhline(1 / TOKENS[task], color="grey", linestyle="--")
        ax.set(xlim=(14, FAR[-1] + 1), ylim=(-0.03, 1.05))
        ax.get_legend().remove()
    for ax in axes[1:]:
        ax.set_ylabel("")
    handles, names = axes[0].get_legend_handles_labels()
    middle = (FAR[0] + FAR[-1]) / 2
    drawn = [plots.guess(axes[0], guesses.get(name), middle, "_", colour) for name, colour in zip(names, PALETTE, strict=False)]
    if any(drawn):
        handles.append(Line2D([], [], color=QUIET, **plots.RING))
        names.append("your guess")
    figure.legend(handles, names, loc="outside lower center", ncols=len(names))
    plots.alt(
        figure,
        "Share of right answers against place, three tasks; trained lengths are shaded, a dashed line is a blind guess. Recall: "
        "sinusoidal, learned and rotary are at 1 inside. Beyond, learned drops to the line at once, rotary a few places later, "
        "sinusoidal sinks; ALiBi and none are low everywhere; the window stays at 1. Copy: ALiBi and the window stay high, the "
        "others fall to the level of none. Mark: all stay at 1, and the window falls to the line.",
    )


@plots.picture
def depths(rows: Mapping[str, Sequence[Sequence[float]]], share: Any) -> None:
    """Shows recall without positions by the number of layers, a dot a seed; `share` is a guess for the deepest, inside."""
    figure, ax = plots.figure(6.4, 3.2)
    for group, colour, marker in ((0, BLUE, "o"), (-1, QUIET, "s")):
        points = [(column, run[group]) for column, runs in enumerate(rows.values()) for run in runs]
        label = f"places {GROUPS[group][0]} to {GROUPS[group][-1]}"
        ax.plot(*zip(*points, strict=True), marker, color=colour, label=label, linestyle="none")
    ax.axhline(1 / TOKENS["recall"], color="grey", linestyle="--", label="blind guess")
    ax.set(xlabel="layers", ylabel="share right", ylim=(0, 1.03), xlim=(-0.5, len(rows) - 0.5))
    ax.set_xticks(range(len(rows)), list(rows))
    plots.guess(ax, share, len(rows) - 1)
    ax.legend(loc="upper left")
    deepest = ", ".join(f"{run[0]:.2f}" for run in list(rows.values())[-1])
    plots.alt(
        figure,
        f"Recall without positions, three seeds. With the most layers, {deepest} are right inside the trained length; with fewer "
        "it stays a little above a blind guess. Far beyond the trained length all are near it.",
    )
