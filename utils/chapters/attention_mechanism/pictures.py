"""The drawings of chapter 02: one look-up from the query to the mixture, a map of the words of a sentence, its measurements."""

from collections.abc import Mapping, Sequence
from typing import Any

from utils import drawings, plots
from utils.palette import BLUE, GREEN, INK, VERMILLION


@plots.picture
def look_up(q: Any, k: Any, v: Any, source: Any = None) -> None:
    """Draws attention for queries, keys and values of these shapes; with a `source` x that serves as all three."""
    shapes = {name: tuple(tensor.shape) for name, tensor in (("q", q), ("k", k), ("v", v))}
    square, output = (*q.shape[:-1], k.shape[-2]), (*q.shape[:-1], v.shape[-1])
    drawn = drawings.Diagram(column=1.75, row=0.7)
    for column, (name, role) in enumerate((("q", "queries"), ("k", "keys"), ("v", "values"))):
        drawn.box(name, column, 0, f"{role}  {name}\n{shapes[name]}", "step", wide=1.3)
    drawn.box("scores", 0.5, 1.25, "scores:  q kᵀ / √d_k", "attention", wide=1.75)
    drawn.box("softmax", 0.5, 2.25, "softmax along the keys", "attention", wide=1.75)
    drawn.box("mixture", 0.5, 3.25, "mixture:  weights · v", "attention", wide=1.75)
    drawn.box("output", 0.5, 4.2, f"output  {output}", "data")
    drawn.arrow("q", "scores").arrow("k", "scores").arrow("scores", "softmax", f"scores  {square}")
    drawn.arrow("softmax", "mixture", f"weights  {square}").arrow("v", "mixture", sides=("top", "right"))
    drawn.arrow("mixture", "output")
    said = ""
    if source is not None:
        shape = tuple(source.shape)
        drawn.box("x", 1, -1.2, f"x  {shape}", "data")
        for name in "qkv":
            drawn.arrow("x", name, sides=("top", "bottom"))
        said = f"x of shape {shape} serves as queries, keys and values alike. "
    drawn.show(
        f"{said}Queries of shape {shapes['q']} and keys of shape {shapes['k']} give scores {square}; the softmax along the keys "
        f"makes weights {square} of them; weights times values {shapes['v']} give the output {output}."
    )


@plots.picture
def sentence_maps(
    maps: Mapping[str, Any],
    sentence: Sequence[str],
    groups: Sequence[Sequence[str]],
    alt: str,
    asked: str = "",
    guess: str | None = None,
) -> None:
    """Shows maps, {title: weights}, of one sentence on a scale from 0 to 1, the words of each of up to two `groups` in a colour.

    In the last map a `guess` where the word `asked` looks is ringed.
    """
    colours = {word: colour for group, colour in zip(groups, (VERMILLION, GREEN), strict=False) for word in group}
    figure, axes = plots.figure(11.5, 5.7, 1, len(maps), sharey=True, squeeze=False)
    for ax, (title, weights) in zip(axes[0], maps.items(), strict=True):
        plots.attention_map(weights, sentence, sentence, title, ax, 1.0, numbers=False)
        ax.set_ylabel("query" if ax is axes[0, 0] else "")
        ax.set_xticks(range(len(sentence)), sentence, rotation=90, ha="center", rotation_mode="default")
        for tick in (*ax.get_xticklabels(), *ax.get_yticklabels()):
            if tick.get_text() in colours:
                tick.set(color=colours[tick.get_text()], weight="bold")
    for column in (place for place, word in enumerate(sentence) if asked and word == guess):
        plots.guess(axes[0, -1], sentence.index(asked), column)
    plots.weight_bar(figure, list(axes[0]), even=1 / len(sentence))
    plots.alt(figure, " ".join(alt.split()))


@plots.picture
def fits(labels: Sequence[str], scores: Sequence[float], guess: str | None = None) -> None:
    """A bar for the fit of each entry, and a ring on the one that was guessed to be the best."""
    drawn, ax = plots.figure(7.5, 2.8)
    ax.bar_label(ax.bar(labels, scores, color=BLUE), [f"{score:.2f}" for score in scores], fontsize=9, padding=2)
    ax.axhline(0, color=INK, linewidth=0.8)
    ax.margins(y=0.18)
    ax.set(xlabel="entry", ylabel="q · k")
    if guess in labels:
        plots.guess(ax, scores[labels.index(guess)] / 2, labels.index(guess))
        ax.legend()
    said = ", ".join(f"{label} {score:.2f}" for label, score in zip(labels, scores, strict=True))
    plots.alt(drawn, f"A bar for the dot product of the query with each key: {said}.")


@plots.picture
def temperatures(labels: Sequence[str], shares: Mapping[float, Sequence[float]]) -> None:
    """A panel of bars for each factor that the fits were multiplied by, {factor: shares}."""
    drawn, axes = plots.figure(10.5, 2.6, 1, len(shares), sharey=True)
    for ax, (factor, row) in zip(axes, shares.items(), strict=True):
        ax.bar_label(ax.bar(labels, row, color=BLUE), [f"{share:.2f}" for share in row], fontsize=8)
        ax.set(title=f"fits × {factor:g}", ylim=(0, 1), xlabel="entry")
        ax.tick_params(axis="x", labelsize=8)
    axes[0].set_ylabel("share")
    said = "; ".join(
        f"at factor {factor:g} " + ", ".join(f"{label} {share:.2f}" for label, share in zip(labels, row, strict=True))
        for factor, row in shares.items()
    )
    plots.alt(drawn, f"Bar charts of the shares: {said}.")


Measured = Mapping[str, Sequence[Sequence[float]]]
"""{way: for each d_k (variance of the scores, largest weight, median and mean slope by scores, the same by the query)}"""


def scale_table(sizes: Sequence[int], measured: Measured) -> None:
    """Prints what was measured with and without the scale, a line for each way and d_k."""
    print("                      variance  largest  slope by scores  slope by query")
    print("                 d_k of scores   weight   median     mean  median    mean")
    for way, rows in measured.items():
        for d_k, row in zip(sizes, rows, strict=True):
            print("{:15} {:4} {:9.1f} {:8.2f} {:8.4f} {:8.4f} {:7.3f} {:7.3f}".format(way, d_k, *row))


@plots.picture
def scale(sizes: Sequence[int], measured: Measured, guesses: Mapping[str, float | None]) -> None:
    """The largest weight and both slopes against d_k, with the guesses for the last d_k without the scale."""
    drawn, axes = plots.figure(10, 3.2, 1, 3)
    names = {1: "largest weight", 2: "slope by the scores", 4: "slope by the query"}
    said = []
    for ax, (column, name) in zip(axes, names.items(), strict=True):
        lines = {way: [row[column] for row in rows] for way, rows in measured.items()}
        label = f"{name} ({'mean' if column == 1 else 'median'})"
        plots.curves(sizes, lines, "d_k", label, ax=ax, logx=True).set_ylim(0)
        ax.get_legend().remove()
        plots.guess(ax, guesses.get(name), sizes[-1])
        said += [f"{label}, {way}: " + ", ".join(f"{y:.2f}" for y in ys) for way, ys in lines.items()]
    drawn.legend(*axes[0].get_legend_handles_labels(), loc="outside upper left", ncols=3)
    plots.alt(drawn, f"Three panels against d_k = {', '.join(map(str, sizes))}. {'. '.join(said)}.")


def trained(runs: Mapping[int, Mapping[str, Sequence[Sequence[float]]]]) -> None:
    """Losses of training with and without the scale, {d_k: {way: losses of each seed}}, and their means early and late."""
    drawn, axes = plots.figure(10, 3.2, 1, len(runs), sharey=True)
    print("                       mean loss of steps 11 to 20     91 to 100")
    for ax, (d_k, by_way) in zip(axes, runs.items(), strict=True):
        plots.losses(by_way, ax, smooth=5).set_title(f"d_k = {d_k}")
        for way, histories in by_way.items():
            early, late = ([sum(losses[last - 10 : last]) / 10 for losses in histories] for last in (20, 100))
            shown = [*(f"{loss:7.2f}" for loss in early), "   ", *(f"{loss:6.2f}" for loss in late)]
            print(f"{way:16} d_k {d_k:4}", *shown)
    plots.alt(
        drawn,
        "Loss against steps, three seeds each. Divided by √d_k the curves for d_k 16 and 1024 lie close together and fall at "
        "once. Without the scale d_k 1024 starts far higher and comes down later, and d_k 16 does not settle.",
    )


def ways(before: Mapping[str, Any], tokens: Sequence[str], hidden: Any, outputs: Mapping[str, tuple[float, float]]) -> None:
    """A row of weights for each way to mask, {way: (1, k_len)}; beside it its sum and the output, before and after."""
    print("               sum of weights  on hidden  output  with other padding")
    for way, w in before.items():
        numbers = (float(w.sum()), float(w[hidden].sum()), *outputs[way])
        print("{:14} {:14.2f} {:10.2f} {:7.2f} {:19.2f}".format(way, *numbers))
    _ways_map({way: w[0].tolist() for way, w in before.items()}, tokens)


@plots.picture
def _ways_map(rows: Mapping[str, Sequence[float]], tokens: Sequence[str]) -> None:
    ax = plots.attention_map(list(rows.values()), list(rows), tokens, largest=1.0)
    ax.set_ylabel("way to mask")
    said = "; ".join(f"{way} " + " ".join(f"{weight:.2f}" for weight in row) for way, row in rows.items())
    plots.alt(ax, f"One query's weights on {', '.join(tokens)}, a row for each way to mask: {said}.")


@plots.picture
def memory(lengths: Sequence[int], held: Mapping[str, Sequence[int]], factors: Mapping[str, float | None]) -> None:
    """Entries held against the length; guessed factors for a doubling are drawn as where they lead from the first length."""
    ax = plots.curves(
        lengths, held, "sequence length", "entries held at once", "memory of attention (d_k = d_v = 16)", logx=True, logy=True
    )
    doublings = len(lengths) - 1  # each length is twice the one before
    for name, entries in held.items():
        factor = factors.get(name)
        if isinstance(factor, int | float) and factor > 0:
            there = entries[0] * factor**doublings
            plots.guess(ax, there, lengths[-1], "_")
            ax.annotate(f"your guess: {name}", (lengths[-1], there), (-10, 0), textcoords="offset points",
                        ha="right", va="center", fontsize=8, color=VERMILLION)  # fmt: skip
    plots.alt(
        ax,
        "Entries held against sequence length, both axes logarithmic. All scores at once rise with slope two, blocks of 64 "
        "keys with slope one.",
    )
