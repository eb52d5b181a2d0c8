"""Chapter 01's task, its counts and clocks, and its explorer: what the notebook says of them holds."""

import pytest
import torch
from torch import nn

from utils import reference, session
from utils.chapters.attention_problem import experiment as toy
from utils.chapters.attention_problem import explorer

WIDTH = toy.WIDTH


class RecallRnn(nn.Module):
    """The notebook's recurrent model, on the reference."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(toy.VOCAB, WIDTH)
        self.w_x, self.w_h = (nn.Parameter(torch.randn(WIDTH, WIDTH) / WIDTH**0.5) for _ in range(2))
        self.b = nn.Parameter(torch.zeros(WIDTH))
        self.readout = nn.Linear(WIDTH, toy.VOCAB)

    def forward(self, tokens):
        states = reference.rnn_forward(self.embedding(tokens), self.w_x, self.w_h, self.b)
        return self.readout(states[:, -1])


class RecallAttention(nn.Module):
    """The notebook's attention model, on the reference."""

    def __init__(self, length):
        super().__init__()
        self.embedding = nn.Embedding(toy.VOCAB, WIDTH)
        self.place = nn.Parameter(torch.randn(length, WIDTH))
        self.w_q, self.w_k, self.w_v = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(3))
        self.readout = nn.Linear(WIDTH, toy.VOCAB)

    def look(self, tokens):
        x = self.embedding(tokens) + self.place
        output, weights = reference.attention(self.w_q(x[:, -1:]), self.w_k(x), self.w_v(x))
        return self.readout(output[:, 0]), weights[:, 0]

    def forward(self, tokens):
        return self.look(tokens)[0]


@pytest.fixture(scope="module")
def models():
    torch.manual_seed(1)
    made = {"attention": RecallAttention(6), "plain network": RecallRnn(), "average": toy.AverageRecall(6)}
    for model in made.values():
        toy.train_recall(model, distance=5, steps=400, seed=1)
    return made


def test_attention_recalls_at_a_distance_at_which_a_plain_network_is_lost():
    makers = {"plain": lambda length: RecallRnn(), "attention": RecallAttention}
    found = toy.sweep(makers, (2, 20, 50), steps=300, seeds=(0,))
    assert found["plain"][2] > [0.9] and found["plain"][20] < [0.5]
    assert 50 not in found["plain"], "a model that is lost is not tried at longer distances"
    assert all(scores > [0.99] for scores in found["attention"].values()) and 50 in found["attention"]


def test_an_open_forget_gate_carries_the_gradient_and_a_half_open_one_does_not():
    torch.manual_seed(0)
    x = torch.randn(16, 51, WIDTH, requires_grad=True)
    left = {}
    for bias in (1, 4):
        norms = reference.gradient_norms(toy.lstm(bias)(x)[0], x)
        left[bias] = float(norms[0] / norms[-1])
    assert left[1] < 1e-3 and left[4] > 0.1


def test_attention_looks_where_the_answer_stands_and_the_average_cannot(models):
    assert toy.accuracy(models["attention"], 5) > 0.99
    assert toy.accuracy(models["plain network"], 5) > 0.8
    assert toy.accuracy(models["average"], 5) < 0.5
    with torch.no_grad():
        _, weights = models["attention"].look(toy.tokens_of(5, 50, torch.Generator().manual_seed(3)))
    assert weights[:, 0].mean() > 0.9


def test_the_chain_of_a_recurrence_grows_with_the_length_and_that_of_attention_does_not():
    matrices = [torch.randn(8, 8, requires_grad=True) for _ in range(5)]
    chains = {"recurrent": [], "attention": []}
    for seq in (4, 8, 16):
        x = torch.randn(1, seq, 8)
        chains["recurrent"].append(toy.chain(reference.rnn_forward(x, *matrices[:2], torch.zeros(8))))
        chains["attention"].append(toy.chain(reference.attention(*(x @ w for w in matrices[2:]))[0]))
    first, second, third = chains["recurrent"]
    assert (third - second) == 2 * (second - first) > 0
    assert len(set(chains["attention"])) == 1


def test_a_chain_is_counted_by_its_longest_branch():
    x = torch.ones(3, requires_grad=True)
    assert toy.chain(x.exp().exp() + x) - toy.chain(x.exp() + x) == 1


def test_multiplications_are_those_of_the_table():
    seq, d = 16, 8
    w = torch.randn(d, d)
    x = torch.randn(1, seq, d)
    assert toy.multiplications(lambda x: reference.rnn_forward(x, w, w, torch.zeros(d)), x) == 2 * seq * d**2
    attend = lambda x: reference.attention(x @ w, x @ w, x @ w)  # noqa: E731 (a layer in one line)
    assert toy.multiplications(attend, x) == 2 * seq**2 * d + 3 * seq * d**2


@pytest.mark.parametrize(
    "ratios, words",
    [
        ([3.0, 2.0, 0.5], "from 64 on"),
        ([3.0, 0.9, 1.1], "at none of these lengths"),
        ([0.9, 1.2, 0.5], "from 64 on"),
        ([0.9, 0.8, 0.5], "at every length from 16"),
    ],
)
def test_a_crossing_is_where_a_ratio_stays_below_one(ratios, words):
    assert toy.crossing([16, 32, 64], ratios) == words


def test_a_race_times_every_layer():
    times = toy.race({"one": torch.relu, "two": torch.exp}, torch.randn(3), repeats=3)
    assert set(times) == {"one", "two"} and all(seconds > 0 for seconds in times.values())


def test_the_picture_says_in_words_what_it_shows(models: dict[str, nn.Module]) -> None:
    setting = explorer.RecallSetting(position=4, letter="d")
    weights, said = explorer.answers(models, setting)
    assert sum(weights) == pytest.approx(1.0, abs=1e-5) and said["attention"][0] == "c"
    drawn = explorer.recall_picture(models, setting)
    assert "position 4: b becomes d" in drawn.alt and f"Weight {weights[0]:.2f} on position 0" in drawn.alt
    assert f"attention: c with {said['attention'][1]:.2f} (right)" in drawn.framed()


def test_the_answer_of_attention_follows_the_letter_at_the_distance(models: dict[str, nn.Module]) -> None:
    for letter in "abdh":
        assert explorer.answers(models, explorer.RecallSetting(position=0, letter=letter))[1]["attention"][0] == letter


def test_still_pictures_are_one_image_with_its_text(models: dict[str, nn.Module], shown: list[dict[str, str]]) -> None:
    explorer.recall_settings(models, [explorer.RecallSetting(), explorer.RecallSetting(position=0, letter="d")])
    (bundle,) = shown
    assert bundle["text/html"].count("<") == 1 and "nothing exchanged" in bundle["text/plain"]


def test_where_no_widgets_run_the_explorer_says_so(models, capsys):
    assert explorer.recall_explorer(models) is None
    assert "JupyterLab" in capsys.readouterr().out


def test_the_picture_follows_the_controls(models: dict[str, nn.Module], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "widgets_work", lambda: True)
    controls, screen = explorer.recall_explorer(models).children
    position, letter = controls.children
    seen = [screen.value]
    for control, value in ((letter, "h"), (position, 3), (letter, "")):
        control.value = value
        seen.append(screen.value)
    assert "position 0: c becomes h" in seen[1] and "position 3: e becomes h" in seen[2]
    assert "nothing exchanged" in seen[3]
