"""Chapter 03's languages, its training loops and its explorer: what the notebook says of them holds."""

import math
from collections import Counter
from typing import Any

import pytest
import torch
from torch import nn

from autograder.builder.script import read_cells
from utils import manifest, plots, reference, session
from utils.chapters.self_attention import experiment as toy
from utils.chapters.self_attention import explorer, pictures, tasks


class SentenceModel(nn.Module):
    """The notebook's model, on the reference's layer."""

    def __init__(self, vocab, length, d_model=32, d_k=16):
        super().__init__()
        self.word = nn.Embedding(vocab, d_model)
        self.place = nn.Embedding(length, d_model)
        self.attention = reference.SelfAttention(d_model, d_k, d_model)
        self.readout = nn.Linear(d_model, vocab)

    def forward(self, tokens, mask=None):
        x = self.word(tokens) + self.place.weight[: tokens.shape[-1]]
        output, weights = self.attention(x, mask=mask)
        return self.readout(x + output), weights


@pytest.fixture(scope="module")
def filler():
    model = SentenceModel(len(toy.WORDS), length=6)
    toy.train_fill_in(model, steps=400, seed=1)
    return model


def test_the_sentences_differ_and_hold_the_one_of_the_chapter():
    assert len(set(toy.SENTENCES)) == len(toy.SENTENCES) == 108
    assert toy.HELD_OUT in toy.SENTENCES
    assert len(toy.training_sentences()) == 107
    assert toy.HELD_OUT not in {" ".join(toy.decode(row)) for row in toy.training_sentences()}


def test_the_floors_are_the_entropies_of_the_language():
    sentences = [sentence.split() for sentence in toy.SENTENCES]
    hidden = 0.0
    for place in range(6):
        seen = Counter(tuple(s[:place] + s[place + 1 :]) for s in sentences)
        hidden += sum(math.log(seen[tuple(s[:place] + s[place + 1 :])]) for s in sentences) / len(sentences)
    assert hidden / 6 == pytest.approx(toy.FILL_IN_FLOOR)
    next_word = 0.0
    for place in range(6):
        before = Counter(tuple(s[:place]) for s in sentences)
        after = Counter(tuple(s[: place + 1]) for s in sentences)
        ratios = [before[tuple(s[:place])] / after[tuple(s[: place + 1])] for s in sentences]
        next_word += sum(map(math.log, ratios)) / len(sentences)
    assert next_word / 7 == pytest.approx(toy.NEXT_WORD_FLOOR)


def test_starting_weights_do_not_depend_on_the_order_in_which_a_layer_makes_its_projections():
    class Reordered(reference.SelfAttention):
        def __init__(self, d_model, d_k, d_v):
            super().__init__(d_model, d_k, d_v)
            self.w_q = self._modules.pop("w_q")

    models = [SentenceModel(len(toy.WORDS), length=6) for _ in range(2)]
    models[1].attention = Reordered(32, 16, 32)
    for model in models:
        toy.begin(model, seed=3)
    first, second = (dict(model.named_parameters()) for model in models)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_layer_finds_which_word_each_hidden_word_depends_on(filler: SentenceModel) -> None:
    looks = [torch.tensor(explorer.look(filler, None, explorer.SentenceSetting(position=i))[0]) for i in range(6)]
    the, cat, sat, on, _, mat = looks
    assert the.argmax() == 1 and sat.argmax() == 1
    assert set(cat.topk(2).indices.tolist()) == {0, 2}
    assert on.argmax() == 5 and mat.argmax() == 3


def test_without_the_mask_the_loss_falls_through_the_entropy_and_writing_fails():
    ahead = reference.create_look_ahead_mask(7)
    framed = toy.training_sentences(framed=True)
    honest, cheat = (SentenceModel(len(toy.WORDS), length=8) for _ in range(2))
    toy.train_next_word(honest, ahead, steps=400)
    toy.train_next_word(cheat, steps=400)
    with torch.no_grad():
        assert toy.next_loss(honest, framed, ahead) == pytest.approx(toy.NEXT_WORD_FLOOR, abs=0.02)
        assert toy.next_loss(cheat, framed) < 0.02
        assert toy.next_loss(cheat, framed, ahead) > 2 * toy.NEXT_WORD_FLOOR


def test_the_prose_is_lower_case_letters_and_three_marks():
    tokens, letters = toy.prose()
    assert "".join(letters) == " ,.abcdefghijklmnopqrstuvwxyz"
    assert len(tokens) > 300_000 and tokens.max() < len(letters)


def test_the_picture_says_in_words_what_it_shows(filler: SentenceModel) -> None:
    setting = explorer.SentenceSetting(position=2)
    weights, guesses = explorer.look(filler, None, setting)
    assert sum(weights) == pytest.approx(1.0, abs=1e-5)
    drawn = explorer.sentence_picture(filler, None, setting)
    assert drawn.framed().count("<path") <= 5 and "“sat” is hidden" in drawn.framed()
    assert f"cat {weights[1]:.2f}" in drawn.alt and f"{guesses[0][0]} {guesses[0][1]:.2f}" in drawn.alt


def test_under_the_causal_mask_no_arc_goes_to_the_right(filler: SentenceModel) -> None:
    setting = explorer.SentenceSetting(position=1, causal_mask=True)
    weights, _ = explorer.look(filler, reference.create_look_ahead_mask, setting)
    assert weights[2:] == [0.0] * 4
    drawn = explorer.sentence_picture(filler, reference.create_look_ahead_mask, setting)
    assert drawn.framed().count("<path") == 1


def test_the_static_picture_is_one_image_with_a_text(filler: SentenceModel, shown: list[dict[str, str]]) -> None:
    settings = [explorer.SentenceSetting(position=position) for position in (1, 5)]
    explorer.sentence_settings(filler, reference.create_look_ahead_mask, settings)
    (bundle,) = shown
    assert bundle["text/html"].count("<") == 1
    assert "“cat” is hidden" in bundle["text/plain"] and "“mat” is hidden" in bundle["text/plain"]


def test_where_no_widgets_run_the_explorer_says_so(filler, capsys):
    assert explorer.sentence_explorer(filler, reference.create_look_ahead_mask, [toy.HELD_OUT]) is None
    assert "JupyterLab" in capsys.readouterr().out


def test_the_picture_follows_the_menus(filler: SentenceModel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    box = explorer.sentence_explorer(filler, reference.create_look_ahead_mask, [toy.HELD_OUT, toy.SENTENCES[-1]])
    controls, screen = box.children
    before = screen.value
    controls.children[1].value = 4
    assert screen.value != before and "“the” is hidden" in screen.value
    controls.children[0].value = toy.SENTENCES[-1]
    controls.children[2].value = False
    assert "“the” looks" in screen.value


# The open tasks


def open_task(name: str, *edits: str) -> Any:
    """What the script's own answer to an open task defines, after `edits`, "this → that"."""
    script = manifest.load().script("03_self_attention")
    (source,) = (cell.source for cell in read_cells(script) if cell.id == name)
    for edit in edits:
        this, _, that = edit.partition(" → ")
        assert this in source
        source = source.replace(this, that)
    names: dict[str, Any] = {"torch": torch}
    exec(source, names)
    return names[name]


def unwritten(*_: Any) -> Any:
    raise NotImplementedError


def test_the_courses_own_shift_is_the_one_that_the_task_asks_for() -> None:
    tokens = torch.arange(12).reshape(2, 6)
    for mine, due in zip(toy.pairs(tokens), open_task("shifted")(tokens), strict=True):
        assert torch.equal(mine, due)


def test_a_right_shift_is_used_and_its_rows_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shifted = open_task("shifted")
    assert tasks.try_shift(shifted) is shifted
    first, second, last = (line.split() for line in capsys.readouterr().out.splitlines())
    assert first == ["reads", *". The cat sat on the mat".split()] and second[3:] == "The cat sat on the mat .".split()
    assert last == "shifted: right. Yours is used below.".split()


@pytest.mark.parametrize(("shifted", "words"), [
    (unwritten, "nothing is here yet"),
    (lambda tokens: (tokens, tokens), "to say the word that it reads"),
    (lambda tokens: (tokens[:, :-1], tokens[:, :-1]), "to say the word that it reads"),
    (lambda tokens: toy.pairs(tokens)[::-1], "the wrong way"),
    (lambda tokens: (tokens, tokens.roll(1, 1)), "the wrong way"),
    (lambda tokens: (tokens, tokens.roll(-1, 1)), "one position too many"),
    (lambda tokens: (tokens[:-1], tokens[1:]), "a whole sentence is gone"),
    (lambda tokens: (tokens, tokens[:, 1:]), "each position needs one target"),
    (lambda tokens: (tokens[:, :-2], tokens[:, 2:]), "should be the word after"),
    (lambda tokens: (tokens[:, 1:-1], tokens[:, 2:]), "words are missing"),
    (lambda tokens: tokens[:, 1:], "two tensors"),
    (lambda tokens: toy.pairs(tokens.add_(1)), "has changed the tokens"),
    (lambda tokens: tokens[9], "IndexError"),
])  # fmt: skip
def test_a_wrong_shift_is_named_and_not_used(shifted: Any, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert tasks.try_shift(shifted) is toy.pairs
    assert words in capsys.readouterr().out


@pytest.fixture(scope="module")
def honest() -> SentenceModel:
    model = SentenceModel(len(toy.WORDS), length=8)
    toy.train_next_word(model, reference.create_look_ahead_mask(7), steps=300)
    return model


@pytest.mark.parametrize("writer", [open_task("write"), toy.draw])
def test_a_right_loop_writes_the_language_and_is_used(
    writer: Any, honest: SentenceModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tasks.try_write(writer, honest) is writer
    share = int(capsys.readouterr().out.rpartition("% of 200")[0].split()[-1])
    assert share > 90


@pytest.mark.parametrize(("writer", "words"), [
    (unwritten, "nothing is here yet"),
    (open_task("write", "logits[:, -1] → logits[:, 0]"), "the wrong row: the new word is what the model says at position 0"),
    (open_task("write", "logits[:, -1] → logits[:, -2]"), "at position 1, and position 2 is the last"),
    (open_task("write", "tokens = torch.cat → longer = torch.cat"), "does not grow"),
    (open_task("write", "[:, -longest:] → [:, :longest]"), "then the last words count"),
    (open_task("write", "tokens[:, -longest:] → tokens"), "was shown 6 words"),
    (open_task("write", "[tokens, drawn] → [drawn, tokens]"), "no longer begins as it did"),
    (open_task("write", "return tokens → return tokens[:, -steps:]"), "are missing from what comes back"),
    (open_task("write", "range(steps) → range(steps + 1)"), "5 words more after 4 steps"),
    (open_task("write", "dim=-1) → dim=0)"), "the axis of the softmax"),
    (open_task("write", "torch.multinomial(chances, num_samples=1) → chances.argmax(-1, keepdim=True)"), "the likeliest"),
    (open_task("write", "softmax(dim=-1) → softmax(dim=-1).sqrt()"), "of probability 0.75 comes in 0."),
    (open_task("write", "return tokens → return tokens.tolist()"), "gives list"),
    (open_task("write", "for _ → first = tokens\n    for _", "model(tokens[:, -longest:]) → model(first)"), "as it was at first"),
])  # fmt: skip
def test_a_wrong_loop_is_named_and_not_used(
    writer: Any, words: str, honest: SentenceModel, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tasks.try_write(writer, honest) is toy.draw
    assert words in capsys.readouterr().out


# The pictures


def test_each_plot_is_drawn_and_says_what_it_shows(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: said.append(text) or plots.png(drawn.figure.figure))
    runs = {"with the mask": [[2.0] * 60, [1.0] * 60], "without a mask": [[0.5] * 60, [0.01] * 60]}
    weights, words = torch.eye(3).roll(1, 1), ["a", "b", "c"]
    pictures.maps({"one": (weights, words)})
    pictures.looks(weights, words, {"a": "b", "b": None, "c": "z"})
    pictures.fill_in_losses([3.0] * 60, best=0.18)
    pictures.held_back({"so": [0.2, 0.3], "or so": [0.9, 1.0]}, {"so": [weights] * 2, "or so": [weights] * 2}, words, 0.18, 0.4)
    pictures.next_word_losses(runs, 0.67, guess=0.1)
    pictures.judged({"a": ([0.7], [0.7]), "b": ([0.001], [2.0])}, {"a": [0.99], "b": [0.0]}, 0.67, guess=0.5)
    pictures.changes({"moved": torch.zeros(3, 4), "stayed": torch.ones(3, 4)}, words, {"b": 0.5})
    pictures.pads((0, 1), {"without": [0.0, 0.3]})
    by_place = {"a": [[1.0, *[2.0] * 31], [3.0, *[4.0] * 31]]}
    pictures.losses_by_place(by_place, by_place, 3.0)
    wanted = ["a most on b (1.00)", "c most on a (1.00)", "3.00 to 3.00", "or so: 0.90, 1.00", "without a mask 0.01 to 0.5"]
    wanted += ["b: loss as trained 0.001, with the future hidden 2.00", "moved 0; stayed 1.00", "without: 0, 0.3"]
    wanted += ["a 1.00 to 3.00 at place 0, 2.00 to 4.00 at the last"]
    assert len(said) == len(wanted)
    for text, part in zip(said, wanted, strict=True):
        assert part in text
