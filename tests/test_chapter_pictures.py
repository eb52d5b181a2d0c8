"""The drawings of chapters 01 to 04 and 06: each is drawn in full, small, and says in words what it shows."""

import math

import pytest
import torch

from utils import plots, reference
from utils.chapters.attention_mechanism import pictures as mechanism
from utils.chapters.attention_problem import pictures as problem
from utils.chapters.multi_head_attention import pictures as multi_head
from utils.chapters.positional_encoding import pictures as positions
from utils.chapters.self_attention import pictures as self_attention

WORDS = ". The cat sat on the mat .".split()
X = torch.zeros(17, 16)
BY_PLACE = {"with the mask": [2.5] + [2.25] * 31, "without": [0.0] * 31 + [2.75]}

DRAWN = {
    "paths": (lambda: problem.paths(6, 32), ["x0 to h5", "5 steps", "x0 to y5 is one step"]),
    "look_up": (
        lambda: mechanism.look_up(torch.zeros(1, 2), torch.zeros(5, 2), torch.zeros(5, 1)),
        ["scores (1, 5)", "output (1, 1)"],
    ),
    "look_up of a sentence": (lambda: mechanism.look_up(X, X, X, source=X), ["x of shape (17, 16)", "scores (17, 17)"]),
    "sentence_maps": (lambda: mechanism.sentence_maps({"a": torch.eye(2)}, "ab", (), "said  so"), ["said so"]),
    "projections": (lambda: self_attention.projections(1, 6, 32, 16, 8), ["Q (1, 6, 16)", "V (1, 6, 8)", "weights (1, 6, 6)"]),
    "next_words": (lambda: self_attention.next_words(WORDS), ["The → cat", "at position 1, cat, is the input at position 2"]),
    "losses_by_place": (lambda: self_attention.losses_by_place(BY_PLACE, BY_PLACE, 3.5), ["2.75 at the last", "3.50"]),
    "heads": (lambda: multi_head.heads(1, 6, 32, 4), ["(1, 4, 6, 8)", "head 3 features 24 to 31"]),
    "sharing": (lambda: multi_head.sharing(8, 4, (4, 2, 1)), ["(batch, 2, seq, 8)", "q1 uses k0 and v0, q2 uses k1", "16 num"]),
    "entries": (lambda: positions.entries(40, 3, 32), ["scores (40, 3, 3)", "Rotary: queries and keys", "ALiBi"]),
    "turns": (lambda: positions.turns(reference.apply_rotary), ["distance 1: dot product 0.54", "distance 2: dot product −0.42"]),
    "bias_maps": (lambda: positions.bias_maps(reference.alibi_bias(4, 12)), ["head 0 −2.75", "head 3 −0.04"]),
}


@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_drawn_and_says_what_it_shows(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[tuple[str, int]] = []
    monkeypatch.setattr(plots, "alt", lambda drawn, text: shown.append((text, len(plots.png(drawn.figure.figure)))))
    draw, wanted = DRAWN[name]
    draw()
    ((text, size),) = shown
    assert [words for words in wanted if words not in text] == []
    assert size < 80_000


def test_the_turned_pair_has_one_dot_product_at_one_distance_and_the_bias_falls_with_the_slope() -> None:
    scores = {}
    for at in ((0, 1), (1, 2), (4, 5), (4, 6)):
        q, k = reference.apply_rotary(torch.tensor([[1.0, 0.0]] * 2), torch.tensor(at))
        scores[at] = (q @ k).item()
    assert [scores[at] for at in ((0, 1), (1, 2), (4, 5))] == pytest.approx([math.cos(1)] * 3, abs=1e-6)
    assert scores[4, 6] == pytest.approx(math.cos(2), abs=1e-6)
    assert reference.alibi_bias(4, 12)[:, -1, 0].tolist() == pytest.approx([-11 / 4 ** (head + 1) for head in range(4)])


def test_the_even_share_is_marked_beside_the_maps() -> None:
    bar = plots.heads(torch.full((2, 3, 4), 0.25), "abc", "abcd", even=True).axes[-1]
    assert [text.get_text() for text in bar.texts] == ["even\nshare"]
    assert [list(line.get_ydata()) for line in bar.lines] == [[0.25, 0.25]]
