"""The pictures: small, the same every time, readable, and with a text for whoever cannot see them."""

import base64
import html
import io
import logging
import re
import subprocess
import sys

import nbformat
import pytest
import torch
from nbclient import NotebookClient
from nbconvert import HTMLExporter
from PIL import Image

from utils import plots

WORDS = "The cat sat on the mat".split()


def weights(*shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(5)).softmax(-1)


def drawings():
    """One of each kind."""
    return {
        "attention_map": plots.attention_map(weights(6, 6), WORDS, WORDS, title="who looks where").figure,
        "heads": plots.heads(weights(6, 13, 13), list("abcdefghijklm"), list("abcdefghijklm")),
        "curves": plots.curves([2, 4], {"a": [1, 2], "b": [3, 2]}, "x", "y", spread={"a": ([0, 1], [2, 3])}).figure,
        "losses": plots.losses({"a": [3.0, 2.0, 1.0, 0.5]}, smooth=2).figure,
    }


@pytest.mark.parametrize("name", drawings())
def test_picture_is_small_and_the_same_every_time(name):
    first, second = plots.png(drawings()[name]), plots.png(drawings()[name])
    assert first == second
    assert len(first) < 50_000
    image = Image.open(io.BytesIO(first)).convert("RGB")
    assert image.width < 1500 and image.getpixel((0, 0)) == (255, 255, 255)  # a light ground of its own


def test_attention_map_names_tokens_and_writes_small_numbers():
    ax = plots.attention_map(weights(2, 3), ["x", "y"], ["a", "b", "c"])
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["a", "b", "c"]
    assert [tick.get_text() for tick in ax.get_yticklabels()] == ["x", "y"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("key", "query")
    assert [text.get_text() for text in ax.texts] == [f"{weight:.2f}" for weight in weights(2, 3).flatten().tolist()]
    assert not plots.attention_map(weights(9, 9), range(9), range(9)).texts


def test_attention_map_of_no_weight_at_all_is_drawn():
    plots.png(plots.attention_map(torch.zeros(2, 2), "ab", "ab").figure)


def test_heads_share_one_scale():
    drawn = plots.heads(weights(3, 5, 5), "abcde", "abcde")
    scales = [ax.images[0].get_clim() for ax in drawn.axes if ax.images]
    assert scales == [(0.0, weights(3, 5, 5).max().item())] * 3


def test_curves_differ_in_colour_and_marker():
    lines = plots.curves([1, 2], {str(i): [i, i] for i in range(7)}, "x", "y").get_lines()
    assert len({line.get_color() for line in lines}) == len({line.get_marker() for line in lines}) == 7


def _luminance(colour):
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", plots.PALETTE)
def test_lines_stand_out_from_the_ground(colour):
    assert 1.05 / (_luminance(colour) + 0.05) > 2  # the weakest, orange and sky, have 2.2 and 2.3, and a marker each


@pytest.fixture(scope="module")
def executed(root):
    """A notebook with one picture, run in a kernel."""
    cells = [
        "from utils import plots\nax = plots.losses({'a': [2.0, 1.0]})",
        "plots.alt(ax, 'The loss of \"a\" falls < 2.')",
        "import sys\nprint('matplotlib.pyplot' in sys.modules)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    NotebookClient(notebook, kernel_name="python3", resources={"metadata": {"path": str(root)}}).execute()
    return notebook


@pytest.fixture(scope="module")
def root():
    from utils.manifest import ROOT

    return ROOT


def test_alt_shows_one_picture_with_its_text(executed):
    (output,) = executed.cells[1].outputs
    assert set(output.data) == {"text/plain", "text/html", "image/png"}
    assert output.data["text/plain"] == output.metadata["image/png"]["alt"] == 'The loss of "a" falls < 2.'
    assert 'alt="The loss of &quot;a&quot; falls &lt; 2."' in output.data["text/html"]
    assert base64.b64decode(output.data["image/png"]).startswith(b"\x89PNG")
    assert not executed.cells[0].outputs  # nothing is drawn before it is asked for
    assert executed.cells[2].outputs[0].text == "False\n"


@pytest.mark.parametrize("template", ["lab", "classic", "basic"])
def test_html_page_has_the_text_and_nbconvert_misses_none(executed, template, caplog):
    with caplog.at_level(logging.WARNING):
        page, _ = HTMLExporter(template_name=template).from_notebook_node(executed)
    assert "Alternative text is missing" not in caplog.text
    (image,) = re.findall(r"<img[^>]*>", page)
    assert 'The loss of "a" falls < 2.' in html.unescape(image)


def test_alt_prints_the_text_where_there_is_no_notebook(capsys):
    plots.alt(plots.losses({"a": [1.0]}), "a line")
    assert capsys.readouterr().out == "a line\n"


def test_alt_draws_nothing_under_grading(capsys, monkeypatch):
    monkeypatch.setenv("NBGRADER_EXECUTION", "autograde")
    monkeypatch.setattr(plots, "png", None)
    plots.alt(plots.losses({"a": [1.0]}), "a line")
    assert capsys.readouterr().out == ""


def test_alt_closes_a_figure_of_pyplot():
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, _ = pyplot.subplots()
    plots.alt(figure, "empty axes")
    assert not pyplot.get_fignums()


def test_importing_plots_does_not_import_matplotlib(root):
    code = "import sys; from utils import my, plots; print(sorted({'matplotlib', 'IPython', 'autograder'} & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
