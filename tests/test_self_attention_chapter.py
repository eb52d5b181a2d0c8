"""Chapter 03's languages, its training loops and its explorer: what the notebook says of them holds."""

import math
from collections import Counter

import pytest
import torch
from torch import nn

from utils import reference, session
from utils.chapters.self_attention import experiment as toy
from utils.chapters.self_attention import explorer


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


def test_under_the_look_ahead_mask_no_arc_goes_to_the_right(filler: SentenceModel) -> None:
    setting = explorer.SentenceSetting(position=1, look_ahead_mask=True)
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
