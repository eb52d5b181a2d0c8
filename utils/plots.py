"""The pictures of the course: one look, colours that colour-blind readers can tell apart, a text for whoever cannot see.

A figure is drawn on a light ground of its own, so it reads the same in a light and in a dark notebook. Matplotlib is
imported when the first figure is made.
"""

import base64
import io
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import cycle
from typing import TYPE_CHECKING, Any, ParamSpec, TypeGuard, cast

import numpy

from utils import session
from utils.palette import COLOURS as COLOURS  # which the notebooks take from here
from utils.palette import GROUND, INK, PALE, PALETTE, VERMILLION
from utils.pictures import tag

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage
    from matplotlib.typing import RcKeyType

Shown = ParamSpec("Shown")

SEQUENTIAL = "Blues"
DIVERGING = "PuOr"

RING: dict[str, Any] = {"marker": "o", "fillstyle": "none", "markersize": 11, "markeredgewidth": 2, "linestyle": "none"}
"""The look of what a learner predicted."""

_MARKERS = "osD^vPX"
_DPI = 144  # half as many again as a browser's pixels: sharp on a good screen, and still a small file
_PIXELS_PER_INCH = 96
_STYLE: "dict[RcKeyType, Any]" = {
    "figure.facecolor": GROUND, "axes.facecolor": GROUND, "savefig.facecolor": GROUND,
    "text.color": INK, "font.family": "DejaVu Sans", "image.cmap": SEQUENTIAL,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
    "axes.titlesize": 11, "axes.labelsize": 10, "xtick.labelsize": 9, "ytick.labelsize": 9,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": PALE,
    "figure.constrained_layout.w_pad": 0.1, "figure.constrained_layout.h_pad": 0.1,
    "legend.framealpha": 0.85, "legend.edgecolor": "none", "legend.fontsize": 9,
    "lines.linewidth": 1.8, "lines.markersize": 4.5,
}  # fmt: skip


def picture(draw: Callable[Shown, None]) -> Callable[Shown, None]:
    """`draw`, a function that shows a picture and does nothing else. Under grading nobody looks: it is not run there."""

    @wraps(draw)
    def drawn(*args: Shown.args, **kwargs: Shown.kwargs) -> None:
        if not session.grading():
            draw(*args, **kwargs)

    return drawn


def figure(width: float = 6.4, height: float = 3.6, rows: int = 1, columns: int = 1, **options: Any) -> "tuple[Figure, Any]":
    """`-> (figure, axes)` of the size in inches, as `pyplot.subplots` would; `options` go to `Figure.subplots`."""
    from cycler import cycler
    from matplotlib import rcParams
    from matplotlib.figure import Figure

    rcParams.update(_STYLE | {"axes.prop_cycle": cycler(color=PALETTE)})
    made = Figure(figsize=(width, height), layout="constrained")
    return made, made.subplots(rows, columns, **options)


def attention_map(
    weights: Any,
    queries: Sequence[Any],
    keys: Sequence[Any],
    title: str = "",
    ax: "Axes | None" = None,
    largest: float | None = None,
    numbers: bool = True,
) -> "Axes":
    """Draws weights (q_len, k_len), a row for each query, with the tokens on the ticks; returns the axes.

    With `numbers` they stand in the cells of a map of up to 8 x 8. `largest` is the weight of the darkest cell (default: the
    map's own largest). Without `ax` the map has a figure of its own, with a colour bar.
    """
    rows = [[float(weight) for weight in row] for row in weights]
    drawn = None
    if ax is None:
        drawn, ax = figure(2.4 + _cells(len(keys), 0.42, 6.6), 1.5 + _cells(len(queries), 0.36, 5.5))
    image = ax.imshow(rows, vmin=0.0, vmax=largest or max(map(max, rows)) or 1.0, cmap=SEQUENTIAL, aspect="auto")
    slanted: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
    ax.set_xticks(range(len(keys)), keys, **(slanted if max(len(str(key)) for key in keys) > 2 else {}))
    ax.set_yticks(range(len(queries)), queries)
    ax.set(xlabel="key", ylabel="query", title=title)
    ax.grid(False)
    if numbers and len(rows) <= 8 and len(rows[0]) <= 8:
        _write_numbers(ax, image, rows)
    if drawn is not None:
        drawn.colorbar(image, ax=ax, label="weight")
    return ax


def heads(
    weights: Any,
    queries: Sequence[Any],
    keys: Sequence[Any],
    titles: Sequence[str] | None = None,
    columns: int = 4,
    even: bool = False,
) -> "Figure":
    """Draws weights (num_heads, q_len, k_len), one map a head on one colour scale; returns the figure.

    With `even` the colour bar marks the weight that all keys would have if they had the same.
    """
    rows = -(-len(weights) // columns)
    columns = -(-len(weights) // rows)
    width = _cells(len(keys), 0.27, 8.0 / columns - 0.3)
    height = _cells(len(queries), 0.27, 6.5 / rows - 0.3)
    size = 1.6 + columns * (width + 0.3), 0.9 + rows * (height + 0.5)
    drawn, axes = figure(*size, rows, columns, squeeze=False, sharey=True)
    largest = max(float(head.max()) for head in weights)
    axes = axes.ravel()
    for index, head in enumerate(weights):
        title = titles[index] if titles else f"head {index}"
        ax = attention_map(head, queries, keys, title, axes[index], largest, numbers=False)
        if index + columns < len(weights):
            ax.tick_params(labelbottom=False)
            ax.set_xlabel("")
        if index % columns:
            ax.set_ylabel("")
    for unused in axes[len(weights) :]:
        unused.remove()
    weight_bar(drawn, list(axes[: len(weights)]), 1 / len(keys) if even else None)
    return drawn


def weight_bar(drawn: "Figure", axes: "Sequence[Axes]", even: float | None = None) -> None:
    """A colour bar beside maps that share the scale of the first; `even` is a share that is marked on it."""
    bar = drawn.colorbar(axes[0].images[0], ax=axes, label="weight")
    if even is not None:
        bar.ax.axhline(even, color=VERMILLION, linewidth=2)
        bar.ax.text(-0.25, even, "even\nshare", ha="right", va="center", fontsize=8, color=VERMILLION)


def curves(
    xs: Sequence[float],
    series: Mapping[str, Sequence[float]],
    xlabel: str,
    ylabel: str,
    title: str = "",
    ax: "Axes | None" = None,
    spread: Mapping[str, tuple[Sequence[float], Sequence[float]]] | None = None,
    logx: bool = False,
    logy: bool = False,
) -> "Axes":
    """Draws `series`, a dictionary of label and values at `xs`, with a colour and a marker each; returns the axes.

    `spread` may give a label's (lowest, highest) values, drawn as a band.
    """
    if ax is None:
        _, ax = figure()
    for (label, ys), colour, marker in zip(series.items(), cycle(PALETTE), cycle(_MARKERS)):
        ax.plot(xs, ys, color=colour, marker=marker, label=label)
        if spread and label in spread:
            ax.fill_between(xs, *spread[label], color=colour, alpha=0.18, linewidth=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    if logx:
        ax.set_xscale("log", base=2)
        ax.set_xticks(xs, [f"{x:g}" for x in xs])
        ax.minorticks_off()
    if logy:
        ax.set_yscale("log")
    ax.legend()
    return ax


def losses(
    histories: Mapping[str, Sequence[float] | Sequence[Sequence[float]]],
    ax: "Axes | None" = None,
    smooth: int = 1,
    ylabel: str = "loss",
) -> "Axes":
    """Draws losses by step, a dictionary of label and history, each the mean of `smooth` steps; returns the axes.

    Instead of one history a label may have several, of a seed each: thin lines of one colour.
    """
    if ax is None:
        _, ax = figure()
    for (label, history), colour in zip(histories.items(), cycle(PALETTE)):
        several = not isinstance(history[0], int | float)
        for number, run in enumerate(cast(Sequence[Sequence[float]], history if several else [history])):
            starts = range(0, len(run) - smooth + 1, smooth)
            means = [sum(run[start : start + smooth]) / smooth for start in starts]
            name = label if number == 0 else "_"
            ax.plot([start + smooth for start in starts], means, color=colour, label=name, linewidth=1.0 if several else None)
    ax.set(xlabel="step", ylabel=ylabel)
    ax.legend()
    return ax


def is_number(given: object) -> TypeGuard[float]:
    """Whether a learner entered a number as a guess."""
    return isinstance(given, int | float) and not isinstance(given, bool)


def guess(
    ax: "Axes", height: float | None, place: float | None = None, label: str = "your guess", colour: str = VERMILLION
) -> bool:
    """Draws what a learner predicted on the result: a ring at `place`, else a dashed line. Returns whether there was a number.

    Guesses of one label have one entry in the legend.
    """
    if not is_number(height):
        return False
    if label in ax.get_legend_handles_labels()[1]:
        label = "_"
    if place is None:
        ax.axhline(height, color=colour, linestyle="--", linewidth=1.2, label=label)
    else:
        from matplotlib.patheffects import withStroke

        (ring,) = ax.plot(place, height, color=colour, label=label, **RING)
        ring.set_path_effects([withStroke(linewidth=RING["markeredgewidth"] + 3, foreground="white")])  # it may lie on a bar
    if ax.get_legend() is not None:
        ax.legend()
    return True


def guess_along(ax: "Axes", place: float | None, height: float) -> bool:
    """As `guess`, for a number that lies along x: a ring at `height`, and a legend on the right."""
    if not is_number(place):
        return False
    guess(ax, height, place)
    ax.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return True


def guessed_keys(ax: "Axes", queries: Sequence[str], keys: Sequence[str], guesses: Mapping[str, str | None]) -> None:
    """Frames the cells where a learner expects the largest weight, {query: key}; words that are not in the map are left out."""
    from matplotlib.patches import Rectangle

    for query, key in guesses.items():
        if query in queries and key in keys:
            corner = keys.index(key) - 0.5, queries.index(query) - 0.5
            ax.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=VERMILLION, linewidth=2.5))


def alt(drawn: "Figure | Axes", text: str) -> None:
    """Shows a figure, or the one that axes belong to, with `text` for those who cannot see it, and closes it.

    JupyterLab and the pages of nbconvert know no text for a PNG, so the picture is also given as HTML. A terminal prints
    the text. Nobody looks under grading: nothing is drawn there.
    """
    whole = drawn.figure.figure  # of axes their figure, of a part of a figure the whole
    if session.in_ipython() and not session.grading():
        from IPython.display import display

        data = base64.b64encode(png(whole)).decode("ascii")
        width = round(whole.get_figwidth() * _PIXELS_PER_INCH)
        bundle = {"text/plain": text, "text/html": tag("png", data, text, width), "image/png": data}
        display(bundle, raw=True, metadata={"image/png": {"alt": text, "width": width}})
    elif not session.grading():
        print(text)
    _close(whole)


def png(drawn: "Figure") -> bytes:
    """The figure as the bytes of a small PNG, the same for the same figure."""
    from PIL import Image

    whole, small = io.BytesIO(), io.BytesIO()
    drawn.savefig(whole, format="png", dpi=_DPI)
    # A drawing needs few colours: a palette makes the file a third of the size.
    few = Image.open(whole).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    few.save(small, format="png", optimize=True)
    return small.getvalue()


def _cells(count: int, each: float, most: float) -> float:
    """Inches for `count` cells."""
    return min(count * each, most)


def _write_numbers(ax: "Axes", image: "AxesImage", rows: list[list[float]]) -> None:
    colours = image.to_rgba(numpy.array(rows))
    for i, row in enumerate(rows):
        for j, weight in enumerate(row):
            red, green, blue, _ = colours[i, j]
            ink = GROUND if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else INK
            ax.text(j, i, f"{weight:.2f}", ha="center", va="center", fontsize=8, color=ink)


def _close(drawn: "Figure") -> None:
    if getattr(drawn, "number", None) is not None:
        from matplotlib import pyplot

        pyplot.close(drawn)
