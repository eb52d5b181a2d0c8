"""Chapter 01's task, its counts and clocks, and its explorer: what the notebook says of them holds."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from utils import plots, reference, session
from utils.chapters.attention_problem import experiment as toy
from utils.chapters.attention_problem import explorer, pictures, steps

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


# The open tasks


def empty(*inputs, **options):
    raise NotImplementedError


def counted(norms, share=0.01):
    """Right, in another style: how many norms stand before the first that is too small."""
    return int((norms >= share * norms[0]).int().cumprod(0).sum())


@pytest.mark.parametrize(
    "written, words",
    [
        (counted, ""),
        (lambda norms, share=0.01: torch.tensor(counted(norms, share)), ""),
        (empty, "nothing is here yet."),
        (lambda norms, share=0.01: counted(norms, share) - 1, "it gives 1. The first below the share is norms[2]"),
        (lambda norms, share=0.01: counted(norms / norms[0] * 1.0, share / float(norms[0])), "the share is one of norms[0]"),
        (lambda norms, share=0.01: int((norms >= share * norms[0]).sum()), "where the norms come back later"),
        (lambda norms, share=0.01: (norms < share * norms[0]).nonzero()[0], "the answer is len(norms)"),
        (lambda norms, share=0.01: norms, "a whole number is asked for"),
    ],
)
def test_a_reach_that_is_read_off_wrongly_is_told_why(written, words):
    found = steps.reach_fault(written)
    assert words in found and bool(found) == bool(words)


def test_the_reach_of_each_network_is_printed_by_the_learner_or_by_the_course(capsys):
    norms = {"short": torch.tensor([1.0, 0.1, 0.001]), "level": torch.ones(3)}
    for written, said in ((counted, "steps_back: right."), (empty, "The numbers below are by the course.")):
        assert steps.try_steps_back(written, norms) == {"short": 2, "level": 3}
        out = capsys.readouterr().out
        assert said in out and "from 2 steps back on" in out and "at none of the 2 steps" in out


def trained_step(model, optimiser, tokens, wanted=0, clear="before", back=True, plain=True):
    """A step of training with its usual mistakes."""
    guesses = model(tokens)
    value = F.cross_entropy(guesses, tokens[:, wanted])
    for parameter in model.parameters() if clear == "before" else ():
        parameter.grad = None
    if back:
        value.backward()
    for parameter in model.parameters() if clear == "behind" else ():
        parameter.grad = None
    optimiser.step()
    return value.item() if plain else value


@pytest.mark.parametrize(
    "options, words",
    [
        ({}, ""),
        ({"clear": "never"}, "never cleared"),
        ({"clear": "behind"}, "no weight moves"),
        ({"back": False}, "no weight moves"),
        ({"wanted": -1}, "asks for the last letter"),
        ({"wanted": 2}, "cross-entropy, first letters"),
        ({"plain": False}, "return loss.item()"),
    ],
)
def test_a_step_of_training_is_told_what_is_wrong_with_it(options, words):
    found = steps.step_fault(lambda *inputs: trained_step(*inputs, **options), RecallRnn)
    assert words in found and bool(found) == bool(words)


def test_a_step_that_returns_nothing_or_follows_an_old_gradient_is_told_so():
    def late(model, optimiser, tokens):
        optimiser.step()
        return trained_step(model, torch.optim.SGD(model.parameters(), lr=0.0), tokens)

    assert "the loss is asked for" in steps.step_fault(lambda *inputs: None, RecallRnn)
    assert "no weight moves" in steps.step_fault(late, RecallRnn)


def test_gradients_that_are_never_cleared_end_above_a_blind_guess_for_every_seed():
    cleared, piled = (steps.fits(step, RecallRnn) for step in (toy.closed_step, steps.uncleared))
    ends = [[sum(losses[-20:]) / 20 for losses in histories] for histories in (cleared, piled)]
    assert max(ends[0]) < 0.5 and min(ends[1]) > 2.08


def test_a_right_step_is_used_and_an_empty_one_is_said(monkeypatch, capsys):
    monkeypatch.setattr(steps, "STEPS", 40)
    assert steps.try_step(trained_step, RecallRnn) is trained_step
    assert "training_step: right." in (said := capsys.readouterr().out) and "your step, yours" in said
    assert steps.try_step(empty, RecallRnn) is toy.closed_step
    said = capsys.readouterr().out
    assert "nothing is here yet. The course's own is used below." in said and "your step" not in said


def test_guesses_are_drawn_where_they_belong(monkeypatch, capsys):
    drawn, draw = [], plots.guess

    def guess(ax, height, place=None, label="your guess"):
        drawn.append((height, place))
        draw(ax, height, place, label)

    monkeypatch.setattr(plots, "guess", guess)
    found = {"plain": {2: [1.0, 1.0], 5: [0.1, 0.2]}, "attention": {2: [1.0, 1.0], 5: [1.0, 1.0]}}
    pictures.recall(found, (2, 5), "", {"plain": 5, "attention": None}, {"plain": 4})
    assert "plain                  100    10–20" in capsys.readouterr().out
    pictures.fading({"gain 1": [1.0, 0.1, 0.01]}, 0.5)
    pictures.changes([1.0, 0.0], {"one": [1.0, 0.0], "two": [0.5, 0.5]}, 0.3)
    measured = {"one sequence": {16: {"kernel": 0.001}, 32: {"kernel": 0.003}}, "batch": {16: {"kernel": 1.0}}}
    pictures.times(measured, 30, "kernel", "")
    assert drawn == [(toy.LOST, 5), (0.5, 2), (0.3, 0.4), (3.0, 30)]
