"""The drawings and plots of chapter 08: four architectures, what models learned from few labels, digits and boxes."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import torch

from utils import drawings, plots
from utils.chapters.applications import blanks
from utils.palette import GREEN, INK, ORANGE, SKY, VERMILLION

if TYPE_CHECKING:
    from matplotlib.axes import Axes


ACROSS = 12  # places in a row of `sequence_in`: more are too narrow for their words
POSITIONS = {"BERT": "learned", "GPT-2": "learned", "T5": "relative", "ViT": "learned", "SmolLM2": "rotary"}


def print_positions(guesses: Mapping[str, str | None]) -> None:
    """Prints how each of the chapter's models knows its positions, and beside it what was guessed, {model: word}."""
    for model, way in POSITIONS.items():
        guess = guesses.get(model)
        print(f"{model:8} {way:10}" + (f" you: {guess}" if guess else ""))


@plots.picture
def four_architectures() -> None:
    """Shows BERT, GPT, T5 and ViT side by side."""
    drawn = drawings.Diagram(column=1.95, row=0.6)
    columns = (
        ("bert", 0, "BERT", "tokens, some masked", "self-attention", "vectors,\none a token"),
        ("gpt", 1, "GPT", "tokens", "self-attention\n(causal mask)", "logits:\nthe next token"),
        ("t5e", 2, "T5", "source tokens", "self-attention", "memory"),
        ("t5d", 3, "", "target, shifted right", "self-attention\n(causal mask)", "logits:\nthe next token"),
        ("vit", 4, "ViT", "class token, patches", "self-attention", "logits: the class\n(class token)"),
    )
    for name, column, title, given, attention, made in columns:
        tall = name == "t5d"
        drawn.box(f"{name}in", column, 0, given, kind="data", wide=1.7)
        drawn.box(f"{name}attention", column, 1.4, attention, kind="attention", wide=1.6)
        rows = [("cross", 2.6, "cross-attention", "attention")] if tall else []
        rows += [("ff", 3.8 if tall else 2.6, "feed-forward", "part")]
        below = f"{name}attention"
        drawn.arrow(f"{name}in", below)
        for part, row, text, kind in rows:
            drawn.box(f"{name}{part}", column, row, text, kind=kind, wide=1.6).arrow(below, f"{name}{part}")
            below = f"{name}{part}"
        top = 3.75 if name == "t5e" else 5.4
        drawn.box(f"{name}out", column, top, made, kind="data", wide=0.75 if name == "t5e" else 1.7)
        drawn.arrow(below, f"{name}out")
        drawn.frame([f"{name}attention", *(f"{name}{part}" for part, *_ in rows)], "", margin=0.08)
        if title:
            drawn.text(column + (0.5 if name == "t5e" else 0), 6.5, title, size=11, bold=True)
    drawn.arrow("t5eout", "t5dcross", sides=("right", "left"))
    kinds = ((0.0, "encoder"), (1.0, "decoder"), (2.5, "encoder and decoder"), (4.0, "encoder on patches"))
    for place, words in kinds:
        drawn.text(place, 6.05, words)
    drawn.show(
        "Four models side by side, each a stack of blocks. BERT, an encoder: tokens, some masked, go through self-attention and "
        "feed-forward; out come vectors, one a token. GPT, a decoder: self-attention has a causal mask; out come logits for "
        "the next token. T5, encoder and decoder: the encoder's memory goes into the decoder's cross-attention. ViT, an encoder "
        "on patches: a class token and the patches go in, and the class token's vector gives the class."
    )


@plots.picture
def sequence_in(title: str, rows: Sequence[tuple[str, Sequence[Any]]], colours: Sequence[int] | None = None) -> None:
    """Shows rows of cells under each other: {name: one entry a place}; `colours` 0 or 1 for each place.

    More than `ACROSS` places are broken like lines of a text.
    """
    count = len(rows[0][1])
    lines = -(-count // ACROSS)
    wide, tall = -(-count // lines), len(rows) + 0.6
    figure, ax = plots.figure(1.6 + 0.66 * wide, 0.4 + 0.42 * tall * lines)
    for row, (name, cells) in enumerate(rows):
        for line in range(lines):
            ax.text(-0.7, row + line * tall, name, ha="right", va="center", fontsize=9)
        for place, cell in enumerate(cells):
            line, column = divmod(place, wide)
            marked = bool(colours and colours[place])
            ax.add_patch(_cell(column, row + line * tall, ORANGE if marked else "white", 0.35 if marked else 1.0))
            ax.text(column, row + line * tall, str(cell), ha="center", va="center", fontsize=8)
    ax.set(xlim=(-0.6, wide - 0.4), ylim=(lines * tall - 1.0, -0.6), title=title)
    ax.axis("off")
    told = "; ".join(f"{name}: {' '.join(str(cell) for cell in cells)}" for name, cells in rows)
    plots.alt(figure, f"{title}. {told}")


def _cell(x: float, y: float, colour: str, alpha: float) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.48, y - 0.4), 0.96, 0.8, facecolor=colour, alpha=alpha, edgecolor=INK, linewidth=0.5)


@plots.picture
def few_labels(results: Mapping[str, Mapping[str, Sequence[float]]], guess: Mapping[str, float | None] | None = None) -> None:
    """Shows what a model reaches with few labels: {task: {"with pre-training": one number a seed, "without": …}}."""
    figure, axes = plots.figure(8.4, 2.9, 1, len(results), sharey=True, squeeze=False)
    for ax, (task, ways) in zip(axes[0], results.items(), strict=True):
        for place, (_, values) in enumerate(ways.items()):
            ax.bar(place, sum(values) / len(values), color=(GREEN, SKY)[place % 2], width=0.65)
            ax.plot([place] * len(values), values, "o", color=INK, markersize=4)
        plots.guess(ax, (guess or {}).get(task), 0, colour=INK)  # which has 5:1 on the bar; vermillion had 1.1:1
        ax.set_xticks(range(len(ways)), [way.replace(" ", "\n", 1) for way in ways])
        ax.set(title=task, ylim=(0, 1.03))
    axes[0, 0].set_ylabel("score on held-out texts")
    if rings := {name: ring for ax in axes[0] for ring, name in zip(*ax.get_legend_handles_labels(), strict=True)}:
        figure.legend(rings.values(), rings.keys(), loc="outside lower center")
    told = "; ".join(
        f"{task}: " + ", ".join(f"{way} {', '.join(f'{x:.2f}' for x in values)}" for way, values in ways.items())
        for task, ways in results.items()
    )
    plots.alt(figure, f"Scores with few labels, a dot for each seed. {told}.")


@plots.picture
def held_out_curves(curves: Mapping[str, Sequence[tuple[float, float]]], guess: float | None = None) -> None:
    """Shows held-out losses against seconds of training, {label: [(seconds, loss)]}."""
    figure, ax = plots.figure(6.4, 3.4)
    for (label, curve), colour, marker in zip(curves.items(), plots.PALETTE, "osD^vPX", strict=False):
        ax.plot(*zip(*curve, strict=True), color=colour, marker=marker, label=label)
    plots.guess(ax, guess, label="your guess for the GPT")
    ax.set(xlabel="seconds of training", ylabel="held-out loss")
    ax.legend()
    told = "; ".join(
        f"{label}: {curve[0][1]:.2f} after {curve[0][0]:.0f} s, {curve[-1][1]:.2f} after {curve[-1][0]:.0f} s"
        for label, curve in curves.items()
    )
    plots.alt(figure, f"Held-out loss against seconds of training. {told}.")


@plots.picture
def cache_picture(counts: Sequence[int], took: Mapping[str, Sequence[float]], guess: float | None = None) -> None:
    """Shows seconds to write against the number of tokens; `guess` is how many times faster the first way is at the end."""
    axes = plots.curves(counts, took, "tokens written", "seconds")
    fast, slow = (seconds[-1] for seconds in took.values())
    axes.set_title(f"{counts[-1]} tokens: {slow / fast:.1f} times faster with the cache")
    if plots.is_number(guess) and guess > 0:
        plots.guess(axes, slow / guess, counts[-1])
    told = ", ".join(f"{name} {seconds[-1]:.2f} s" for name, seconds in took.items())
    plots.alt(axes, f"Seconds against tokens written. For {counts[-1]} tokens: {told}.")


@plots.picture
def loss_with_guesses(histories: Mapping[str, Sequence[float]], first: float | None = None, last: float | None = None) -> None:
    """Shows losses by step, {label: list}; guesses of the first and of the last as orange rings."""
    axes = plots.losses(histories, smooth=10)
    longest = max(len(history) for history in histories.values())
    for place, guess in ((0, first), (longest, last)):
        plots.guess(axes, guess, place)
    told = [
        f"{label}: from {losses[0]:.2f} to {sum(losses[-20:]) / 20:.2f} in {len(losses)} steps"
        for label, losses in histories.items()
    ]
    plots.alt(axes, f"Loss against step. {'; '.join(told)}.")


@plots.picture
def reader_maps(model: Any, text: str) -> None:
    """Shows every head of every block of a `MaskedModel` for one text with a blank."""
    tokens, segments = blanks.padded([blanks.read(text)])
    seen = attention_of(model.bert, tokens, segments, blanks.mask_of(tokens))
    words = [blanks.words()[i] for i in tokens[0].tolist()]
    maps = torch.cat([weights[0] for weights in seen]).cpu()
    heads = seen[0].shape[1]
    titles = [f"block {i // heads}, head {i % heads}" for i in range(len(maps))]
    figure = plots.heads(maps, words, words, titles)
    for ax in figure.axes:
        for image in ax.images:
            image.set_clim(0.0, 1.0)
            for label in ax.get_xticklabels():
                label.set(rotation=90, ha="center", va="top", rotation_mode="default")
    place = words.index(blanks.SPECIAL[blanks.MASK])
    told = ", ".join(
        f"{title} on {words[int(m[place].argmax())]} ({float(m[place].max()):.2f})" for title, m in zip(titles, maps, strict=True)
    )
    plots.alt(figure, f"Attention of {len(maps)} heads for '{text}'. The blank's largest weights: {told}.")


@torch.no_grad()
def attention_of(model: Any, *inputs: torch.Tensor) -> list[torch.Tensor]:
    """What each block's `self_attention` gave as weights in one pass: a list of (batch, num_heads, seq, seq)."""
    seen: list[torch.Tensor] = []
    hooks = [block.self_attention.register_forward_hook(lambda _, __, out: seen.append(out[1])) for block in model.blocks]
    try:
        model(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
    return seen


@plots.picture
def buckets(distances: torch.Tensor, found: Mapping[str, torch.Tensor]) -> None:
    """Shows the bucket of each distance, {label: (n,)}."""
    figure, ax = plots.figure(6.8, 3.2)
    for (label, numbers), colour in zip(found.items(), plots.PALETTE, strict=False):
        ax.step(distances.tolist(), numbers.tolist(), where="mid", color=colour, label=label, linewidth=1.4)
    ax.set(xlabel="key's position minus query's", ylabel="bucket")
    ax.legend()
    told = "; ".join(
        f"{label}: {len(numbers.unique())} buckets, {int(numbers[0])} at the left end, {int(numbers[-1])} at the right"
        for label, numbers in found.items()
    )
    plots.alt(figure, f"Bucket of each distance. {told}.")


@plots.picture
def scores(results: Mapping[str, float], guess: Mapping[str, float | None] | None = None, title: str = "") -> None:
    """Shows a bar for each task's share, and a ring where a guess was."""
    figure, ax = plots.figure(6.4, 0.9 + 0.45 * len(results))
    for row, (label, value) in enumerate(results.items()):
        ax.barh(row, value, color=SKY, height=0.6)
        plots.guess_along(ax, (guess or {}).get(label), row)
    ax.set_yticks(range(len(results)), results)
    ax.invert_yaxis()
    ax.set(xlim=(0, 1.03), xlabel="exact match", title=title)
    told = "; ".join(f"{label}: {value:.3f}" for label, value in results.items())
    plots.alt(figure, f"Exact match, a bar for each task ({title}). {told}.")


@plots.picture
def patches(image: torch.Tensor, patch_size: int, order: Sequence[torch.Tensor]) -> None:
    """Shows a picture (channels, height, width) with its grid of patches, and the patches in a row as `order` has them."""
    count = len(order)
    figure, axes = plots.figure(9.4, 1.9, 1, count + 1, width_ratios=[5, *[1] * count])
    _picture(axes[0], image[0], "the picture")
    for edge in range(0, image.shape[-1] + 1, patch_size):
        axes[0].axhline(edge - 0.5, color=VERMILLION, linewidth=0.8)
        axes[0].axvline(edge - 0.5, color=VERMILLION, linewidth=0.8)
    for number, (ax, patch) in enumerate(zip(axes[1:], order, strict=True)):
        _picture(ax, patch.reshape(patch_size, patch_size), str(number))
        ax.spines[:].set_visible(True)
    plots.alt(figure, f"A digit of {image.shape[-2]} x {image.shape[-1]} points with a grid, and its {count} patches in a row.")


def _picture(ax: "Axes", points: torch.Tensor, title: str) -> None:
    ax.imshow(points.detach().cpu().numpy(), cmap="Greys", vmin=0, vmax=1)
    ax.set(title=title, xticks=[], yticks=[])
    ax.grid(False)


@plots.picture
def rollouts(images: torch.Tensor, shares: torch.Tensor, classes: Sequence[int]) -> None:
    """Shows digits (n, 1, side, side) above how much of each patch reached the class token, (n, patches)."""
    count = len(images)
    figure, axes = plots.figure(1.35 * count + 1.0, 3.0, 2, count, squeeze=False)
    side = int(shares.shape[-1] ** 0.5)
    for column in range(count):
        _picture(axes[0, column], images[column, 0], f"said: {classes[column]}")
        axes[1, column].imshow(shares[column].view(side, side), cmap=plots.SEQUENTIAL, vmin=0, vmax=float(shares.max()))
        axes[1, column].set(xticks=[], yticks=[])
        axes[1, column].grid(False)
    figure.colorbar(axes[1, 0].images[0], ax=axes.ravel().tolist(), label="share (rollout)")
    told = ", ".join(f"{said}: largest at patch {int(share.argmax())}" for said, share in zip(classes, shares, strict=True))
    plots.alt(figure, f"Digits, and below each the share of every patch that reached the class token. {told}.")


@plots.picture
def scenes(
    drawn: Sequence[torch.Tensor], found: torch.Tensor, detector: Any, box_iou: Callable[..., torch.Tensor], count: int = 6
) -> None:
    """Shows the first scenes with the right box (green) and the one found (orange, dashed), and what was said."""
    from matplotlib.patches import Rectangle

    images, classes, right = (x[:count] for x in drawn)
    with torch.no_grad():
        said = detector(images.to(next(detector.parameters()).device))[0].argmax(dim=-1).tolist()
    overlap = box_iou(found[:count], right).diagonal().tolist()
    titles = [f"{name}, IoU {share:.2f}" + ("" if name == truth else f"\n(is {truth})")
              for name, share, truth in zip(said, overlap, classes.tolist(), strict=True)]  # fmt: skip
    figure, axes = plots.figure(1.55 * count + 0.3, 2.5, 1, count, squeeze=False)
    side = images.shape[-1]
    for ax, image, truth, box, words in zip(axes[0], images, right, found, titles, strict=False):
        _picture(ax, image[0], words)
        for corners, label, colour, look in ((truth, "right", GREEN, "-"), (box, "given by the model", ORANGE, "--")):
            x0, y0, x1, y1 = (side * corners - 0.5).tolist()
            frame = Rectangle((x0, y0), x1 - x0, y1 - y0, fill=False, edgecolor=colour, linestyle=look, linewidth=2, label=label)
            ax.add_patch(frame)
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2)
    plots.alt(figure, f"Scenes with the right box and the one found: {'; '.join(titles)}.")
