"""The drawings and plots of chapter 07: the whole model, maps of cross-attention, losses, learning rates, scores."""

from collections.abc import Mapping, Sequence
from typing import Any

from utils import drawings, plots
from utils.chapters.encoder_decoder.measures import Translation
from utils.palette import INK, SKY


@plots.picture
def architecture(model: Any, source_len: int, target_len: int) -> None:
    """Shows the whole model, with the shapes that really flow through `model` for one sentence of these lengths."""
    width, vocab = model.output.in_features, model.output.out_features
    layers = len(model.encoder)
    source, target = f"(1, {source_len})", f"(1, {target_len})"
    memory, inner = f"(1, {source_len}, {width})", f"(1, {target_len}, {width})"
    drawn = drawings.Diagram(column=3.1, row=0.62)
    drawn.box("source", 0, 0, "source: English", kind="data")
    drawn.box("embed", 0, 1.5, f"embedding · √{width}\n+ positions\n{memory}", wide=1.7)
    drawn.box("self", 0, 2.9, "self-attention", kind="attention").box("n1", 0, 3.7, "add & norm", kind="norm")
    drawn.box("ff", 0, 4.5, "feed-forward").box("n2", 0, 5.3, "add & norm", kind="norm")
    drawn.box("memory", 0, 7, "memory", kind="data", wide=0.75)
    drawn.box("target", 1, 0, "target, shifted right: Spanish", kind="data", wide=2.2)
    drawn.box("embed2", 1, 1.5, f"embedding · √{width}\n+ positions\n{inner}", wide=1.7)
    drawn.box("masked", 1, 2.9, "self-attention\n(causal mask)", kind="attention", wide=1.7)
    drawn.box("m1", 1, 3.75, "add & norm", kind="norm")
    drawn.box("cross", 1, 4.75, "cross-attention", kind="attention", wide=1.7).box("m2", 1, 5.55, "add & norm", kind="norm")
    drawn.box("ff2", 1, 6.35, "feed-forward").box("m3", 1, 7.15, "add & norm", kind="norm")
    drawn.box("output", 1, 8.85, "output (linear)").box("logits", 1, 9.8, "logits: next words", kind="data")
    for start, end, label in (
        ("source", "embed", source), ("embed", "self", ""), ("self", "n1", ""), ("n1", "ff", ""), ("ff", "n2", ""),
        ("n2", "memory", memory), ("target", "embed2", target), ("embed2", "masked", ""), ("masked", "m1", ""),
        ("m1", "cross", ""), ("cross", "m2", ""), ("m2", "ff2", ""), ("ff2", "m3", ""), ("m3", "output", inner),
        ("output", "logits", f"(1, {target_len}, {vocab})"),
    ):  # fmt: skip
        drawn.arrow(start, end, label)
    drawn.arrow("memory", "cross", sides=("right", "left")).text(0.36, 6.75, "keys, values", align="left")
    drawn.text(0.97, 4.22, "queries", align="right")
    for start, end, side in (
        ("embed", "n1", "left"), ("n1", "n2", "left"), ("embed2", "m1", "right"), ("m1", "m2", "right"), ("m2", "m3", "right"),
    ):  # fmt: skip
        drawn.skip(start, end, side)
    drawn.frame(["self", "n1", "ff", "n2"], f"encoder, {layers} ×", margin=0.35)
    drawn.frame(["masked", "m1", "cross", "m2", "ff2", "m3"], f"decoder, {layers} ×", margin=0.35)
    drawn.show(
        f"On the left the encoder: source {source}, embedding and positions {memory}, {layers} blocks of self-attention and "
        f"feed-forward, each with add and norm; out comes the memory {memory}. On the right the decoder: shifted target "
        f"{target}, embedding and positions {inner}, {layers} blocks of masked self-attention, cross-attention whose keys and "
        f"values are the memory, and feed-forward; a linear layer gives the logits (1, {target_len}, {vocab})."
    )


@plots.picture
def maps_picture(model: Any, sentences: Sequence[str], guesses: Mapping[str, str | None] | None = None) -> None:
    """Shows the cross-attention maps of sentences side by side; `guesses`, {Spanish word: English word}, as orange frames."""
    found = [Translation.of(model, sentence) for sentence in sentences]
    tallest = max(len(one.said) for one in found)
    figure, axes = plots.figure(4.3 * len(found), 1.6 + 0.3 * tallest, 1, len(found), squeeze=False)
    for one, ax in zip(found, axes[0], strict=True):
        plots.attention_map(one.weights(), one.said, one.source, "", ax, largest=1.0)
        ax.set(xlabel="English", ylabel="Spanish word being chosen")
    plots.guessed_keys(axes[0][0], found[0].said, found[0].source, guesses or {})
    plots.alt(figure, "; ".join(_spoken(one) for one in found))


def _spoken(found: Translation) -> str:
    """What a map shows, in words."""
    rows = [
        f"{word} on {found.source[int(row.argmax())]} ({row.max():.2f})"
        for word, row in zip(found.said, found.weights(), strict=True)
    ]
    return f"{' '.join(found.source)}, largest weights: {', '.join(rows)}"


@plots.picture
def heads_picture(model: Any, sentence: str) -> None:
    """Shows the map of every head of every decoder block for one sentence."""
    found = Translation.of(model, sentence)
    layers, heads = found.maps.shape[:2]
    titles = [f"block {layer}, head {head}" for layer in range(layers) for head in range(heads)]
    figure = plots.heads(found.maps.flatten(0, 1), found.said, found.source, titles)
    for image in (image for ax in figure.axes for image in ax.images):
        image.set_clim(0.0, 1.0)
    plots.alt(figure, f"The maps of {layers * heads} heads; averaged over the last block's heads: {_spoken(found)}")


@plots.picture
def scores_picture(
    results: Mapping[str, Sequence[float]],
    guesses: Mapping[str, float | None] | None = None,
    title: str = "held-out sentences translated right",
    xlabel: str = "exact match",
) -> None:
    """Shows bars of shares, {label: [a value for each seed]}, every seed a dot; `guesses`, {label: value}, as orange rings."""
    figure, ax = plots.figure(6.4, 0.9 + 0.5 * len(results))
    for row, (label, values) in enumerate(results.items()):
        ax.barh(row, sum(values) / len(values), color=SKY, height=0.6)
        ax.plot(values, [row] * len(values), "o", color=INK, markersize=4)
        plots.guess_along(ax, (guesses or {}).get(label), row)
    ax.set_yticks(range(len(results)), results)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.03), xlabel=xlabel, title=title)
    shown = "; ".join(f"{label}: {', '.join(f'{value:.3f}' for value in values)}" for label, values in results.items())
    plots.alt(figure, f"{title}. {shown}")


@plots.picture
def loss_picture(histories: Mapping[str, Sequence[float]], guess: float | None = None) -> None:
    """Shows losses by step, {label: list}; a `guess` of the first one as an orange ring."""
    axes = plots.losses(histories, smooth=10)
    plots.guess(axes, guess, 0)
    shown = [f"{label}: from {losses[0]:.2f} to {losses[-1]:.2f} at step {len(losses)}" for label, losses in histories.items()]
    plots.alt(axes, f"Loss against step. {'; '.join(shown)}.")


@plots.picture
def rate_picture(curves: Mapping[str, Sequence[float]]) -> None:
    """Shows learning rates by step, {label: list}."""
    figure, ax = plots.figure(6.4, 3.0)
    for (label, rates), colour in zip(curves.items(), plots.PALETTE, strict=False):
        ax.plot(range(1, len(rates) + 1), rates, label=label, color=colour)
    ax.set(xlabel="step", ylabel="learning rate")
    ax.legend()
    peaks = "; ".join(f"{label}: peak {max(r):.4f} at step {r.index(max(r)) + 1}" for label, r in curves.items())
    plots.alt(figure, f"Learning rate against step. {peaks}")
