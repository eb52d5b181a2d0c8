"""Chapter 04's task, its training and its explorer: what the notebook says of them holds."""

import copy
import math
from typing import Any

import pytest
import torch
from torch import nn

from autograder.builder.script import read_cells
from utils import manifest, plots, reference, session
from utils.chapters.multi_head_attention import experiment as task
from utils.chapters.multi_head_attention import explorer, pictures, tasks


class LookUps(nn.Module):
    """The notebook's model, on any layer."""

    def __init__(self, layer, look_ups=2, readout=None):
        super().__init__()
        self.value, self.place = nn.Embedding(8, 32), nn.Embedding(8, 32)
        self.asked = nn.Embedding(look_ups * 8, 32)
        self.layer = layer
        self.readout = readout or nn.Linear(32, look_ups * 8)
        self.register_buffer("names", torch.arange(look_ups) * 8)

    def forward(self, tokens, asked):
        x = self.value(tokens) + self.place.weight
        query = self.asked(asked + self.names).sum(dim=1, keepdim=True)
        output, weights = self.layer(query, x, x)
        return self.readout(output[:, 0]).unflatten(-1, (-1, 8)), weights[:, :, 0]


def fitted(num_heads, seed=0, steps=task.STEPS, readout=None):
    model = LookUps(reference.MultiHeadAttention(32, num_heads), readout=readout)
    task.fit(model, seed=seed, steps=steps)
    return model


@pytest.fixture(scope="module")
def two_heads():
    return fitted(2)


def test_a_question_names_different_places_and_its_answer_is_what_stands_there():
    tokens, asked, answers = task.questions(500, 3, torch.Generator().manual_seed(1))
    assert all(len(set(row)) == 3 for row in asked.tolist())
    for row, places, letters in zip(tokens.tolist(), asked.tolist(), answers.tolist(), strict=True):
        assert letters == [row[place] for place in places]
    assert set(asked[:, 2].tolist()) == set(range(task.PLACES)) and set(tokens.unique().tolist()) == set(range(task.VALUES))


def test_starting_weights_do_not_depend_on_the_order_in_which_a_layer_makes_its_projections():
    class Reordered(reference.MultiHeadAttention):
        def __init__(self, d_model, num_heads):
            super().__init__(d_model, num_heads)
            self.w_q = self._modules.pop("w_q")

    models = [LookUps(kind(32, 2)) for kind in (reference.MultiHeadAttention, Reordered)]
    for model in models:
        task.begin(model, seed=3)
    first, second = (dict(model.named_parameters()) for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_two_heads_do_what_one_head_with_a_linear_readout_cannot(two_heads):
    assert task.right(two_heads)[1] > 0.99
    each, both = task.right(fitted(1))
    assert both < 0.35 and max(each) > 0.8 > 0.5 > min(each)


def test_one_head_with_a_hidden_layer_behind_it_reaches_it_too():
    hidden = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 16))
    model = fitted(1, steps=800, readout=hidden)
    assert task.right(model)[1] > 0.97
    larger, smaller = task.attended(model)[0].sort(descending=True).values.tolist()
    assert larger > 0.55 > 0.35 > smaller > 0.1


def test_each_of_two_heads_takes_one_look_up(two_heads):
    looks = task.attended(two_heads)
    assert looks.shape == (2, 2)
    assert set(looks.argmax(dim=1).tolist()) == {0, 1} and looks.amax(dim=1).min() > 0.9


def test_the_picture_says_in_words_what_it_shows(two_heads: LookUps) -> None:
    setting = explorer.QuestionSetting(1, 5)
    weights, said = explorer.answer(two_heads, setting)
    drawn = explorer.question_picture(two_heads, setting)
    assert said == "cb" and "answer: cb (right)" in drawn.alt and "answer: cb (right)<" in drawn.framed()
    assert drawn.framed().count(">head ") == 2
    for head, row in enumerate(weights):
        assert sum(row) == pytest.approx(1.0, abs=1e-5)
        assert f"head {head} most on place {row.index(max(row))} ({max(row):.2f})" in drawn.alt


def test_a_wrong_answer_is_called_wrong(two_heads: LookUps) -> None:
    with torch.no_grad():
        bias = two_heads.readout.bias
        before = bias.clone()
        bias[explorer.LETTERS.index("h")] += 1000.0
        drawn = explorer.question_picture(two_heads, explorer.QuestionSetting(1, 5)).alt
        bias.copy_(before)
    assert "answer: hb (wrong, it is cb)" in drawn


def test_the_picture_of_a_split_shows_the_entries_that_a_split_returns(shown):
    explorer.split_picture({"right": reference.split_heads, "view": lambda x, n: x.view(1, n, 2, -1)})
    _, right, view = shown[0]["text/plain"].split(" | ")
    assert "right: head 0 [[0, 1], [10, 11]]" in right
    assert "view: head 0 [[0, 1], [2, 3]]" in view


def test_still_pictures_are_one_image_with_its_text(two_heads: LookUps, shown: list[dict[str, str]]) -> None:
    explorer.question_settings(two_heads, [explorer.QuestionSetting(1, 5), explorer.QuestionSetting(5, 1)])
    (bundle,) = shown
    assert bundle["text/html"].count("<") == 1 and "answer: cb (right)" in bundle["text/plain"]


def test_where_no_widgets_run_the_explorer_says_so(two_heads: LookUps, capsys: pytest.CaptureFixture[str]) -> None:
    assert explorer.question_explorer({2: two_heads}) is None
    assert "JupyterLab" in capsys.readouterr().out


def test_the_picture_follows_the_controls(two_heads: LookUps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    controls, screen = explorer.question_explorer({2: two_heads, 4: fitted(4, steps=5)}).children
    first, _, letters, number = controls.children
    seen = [screen.value]
    for control, value in ((first, 6), (letters, 3), (number, 4)):
        control.value = value
        seen.append(screen.value)
    assert len(set(seen)) == 4
    assert "letters at 6 and 5" in seen[1] and "head 3 most on" in seen[3]


# The open task: the layer without one head


def own_answer(*edits: str) -> Any:
    """What the script's own answer to the open task defines, after `edits`, "this → that"."""
    script = manifest.load().script("04_multi_head_attention")
    (source,) = (cell.source for cell in read_cells(script) if cell.id == "without_head")
    for edit in edits:
        this, _, that = edit.partition(" → ")
        assert this in source
        source = source.replace(this, that)
    names: dict[str, Any] = {"torch": torch, "my": reference, "copy": copy}
    exec(source, names)
    return names["without_head"]


def by_slice(way: str) -> Any:
    """An answer that zeroes something of a copy of the layer."""

    def without_head(layer, num_heads, head, query, key, value):
        size = query.shape[-1] // num_heads
        part, changed = slice(head * size, (head + 1) * size), layer if way == "in place" else copy.deepcopy(layer)
        with torch.no_grad():
            if way in ("columns", "in place"):
                changed.w_o.weight[:, part] = 0
            elif way == "rows":
                changed.w_o.weight[part] = 0
            elif way == "rows and bias":
                changed.w_o.weight[part], changed.w_o.bias[part] = 0, 0
            elif way == "queries":
                changed.w_q.weight[part], changed.w_q.bias[part] = 0, 0
            else:
                changed.w_v.weight[part] = 0
        return changed(query, key, value)[0]

    return without_head


def unwritten(*_: Any) -> Any:
    raise NotImplementedError


@pytest.mark.parametrize("written", [own_answer(), by_slice("columns"), task.without])
def test_a_layer_without_one_head_is_used_where_it_is_right(written: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert tasks.try_without(written, reference.MultiHeadAttention) is written
    assert "right for each of 4 heads" in capsys.readouterr().out


@pytest.mark.parametrize(("written", "words"), [
    (unwritten, "nothing is here yet"),
    (own_answer("kept[head] = 0 → pass"), "nothing is missing"),
    (own_answer("kept[head] → kept[head - 1]"), "head 0 is missing, and head 1 was asked for"),
    (own_answer("kept[head] = 0 → kept = 1 - kept\n    kept[head] = 1"), "this is the head alone"),
    (lambda *given: task.written_by(*given), "this is the head alone"),
    (lambda layer, *given: task.without(layer, *given) - layer.w_o.bias, "the bias of w_o is missing"),
    (by_slice("rows"), "its rows make the features"),
    (by_slice("rows and bias"), "its rows make the features"),
    (by_slice("queries"), "even, not 0"),
    (by_slice("values"), "the bias of w_v comes through"),
    (by_slice("in place"), "the layer itself has changed"),
    (lambda layer, num_heads, head, *given: tasks._interleaved(layer, head, given), "not every fourth"),
    (lambda layer, *given: (task.without(layer, *given), None), "only the output"),
    (lambda layer, *given: task.without(layer, *given)[0], "(5, 24) comes out and (2, 5, 24)"),
    (lambda *given: 0.0, "it gives float"),
    (lambda *given: torch.zeros(2, 5, 24), "something else comes out"),
    (lambda layer, n, head, *given: task.without(layer, n, max(head, 1), *given), "head 1 is missing, and head 0"),
])  # fmt: skip
def test_a_layer_with_a_mistake_is_named_and_not_used(written: Any, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tasks.try_without(written, reference.MultiHeadAttention) is task.without
    assert words in capsys.readouterr().out


def test_a_missing_head_costs_the_letter_that_it_looks_at_and_a_doubled_one_little(
    two_heads: LookUps, capsys: pytest.CaptureFixture[str]
) -> None:
    losses = task.losses_without(task.without, [two_heads], 2)
    assert losses["all"][0] < 0.1 and min(losses["0"][0], losses["1"][0]) > math.log(8) / 2
    first = task.attended(two_heads)[:, 0].argmax().item()
    assert task.right(task.silent(task.without, two_heads, 2, first))[0] == pytest.approx([0.125, 1.0], abs=0.05)
    four = fitted(4)
    single = task.losses_without(task.without, [four], 4)
    assert max(values[0] for values in single.values()) < 0.6
    task.print_without(task.without, four, 4)
    last = [line for line in capsys.readouterr().out.splitlines() if "all that look" in line]
    assert [float(line.split()[-2 + place].strip(",")) < 0.2 for place, line in enumerate(last)] == [True, True]


def test_each_plot_is_drawn_and_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: said.append(text) or plots.png(drawn.figure.figure))
    pictures.shares({1: [0.2, 0.3], 2: [1.0, 1.0]}, "heads", "both right", {"chance": 0.1}, {1: 0.5, 2: None})
    pictures.questions(torch.eye(3)[None].repeat(2, 1, 1), torch.tensor([[0, 1], [1, 2], [2, 0]]))
    pictures.without({2: {"all": [0.0], "0": [1.1], "1": [1.2]}, 1: {"all": [0.1], "0": [2.0]}}, {2: 1.0})
    wanted = ["Both right, a dot for each seed. 1: 0.20, 0.30; 2: 1.00, 1.00.", "head 1: 0 then 1 most on 0, 1 then 2 most on 1"]
    wanted += ["2 heads: with all 0.00 to 0.00, without 0 1.10 to 1.10, without 1 1.20 to 1.20; 1 heads"]
    assert len(said) == len(wanted)
    for text, part in zip(said, wanted, strict=True):
        assert part in text


def test_weights_of_random_layers_are_drawn_on_a_scale_from_0_to_1(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[tuple[Any, str]] = []
    monkeypatch.setattr(plots, "alt", lambda figure, text: drawn.append((figure, text)))
    pictures.untrained(torch.tensor([[[0.2, 0.8], [0.5, 0.5]], [[0.4, 0.6], [0.3, 0.7]]]), ["a", "b"])
    ((figure, text),) = drawn
    assert [image.get_clim() for ax in figure.axes for image in ax.images] == [(0.0, 1.0)] * 2
    assert "between 0.20 and 0.80" in text and "even share is 0.50" in text
