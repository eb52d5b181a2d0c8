"""What an answer may not call is seen however it is reached, and what it may call is not."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from autograder.framework import procedures, watch
from autograder.framework.component import Drawn
from utils import reference

X = torch.linspace(-1, 1, 24).reshape(2, 3, 4)
SOFTMAX = [
    lambda x: torch.softmax(x, -1),
    lambda x: x.softmax(-1),
    lambda x: F.softmax(x, -1),
    lambda x: nn.Softmax(-1)(x),
    lambda x: torch.log_softmax(x, -1).exp(),
    lambda x: F.softmin(-x, -1),
    lambda x: torch.special.softmax(x, -1),
    lambda x: torch._softmax(x, -1, False),
    lambda x: torch.ops.aten.softmax.int(x, -1),
    lambda x: torch.ops.aten._softmax(x, -1, False),
    lambda x: F.scaled_dot_product_attention(x, x, x),
    lambda x: torch.jit.trace(lambda y: torch.softmax(y, -1), x)(x),
    lambda x: reference.softmax(x),
    lambda x: reference.attention(x, x, x)[1],
]
ATTENTION = [
    lambda x: F.scaled_dot_product_attention(x, x, x),
    lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(3, 3, dtype=torch.bool)),
    lambda x: torch.ops.aten.scaled_dot_product_attention(x, x, x),
    lambda x: torch.ops.aten._scaled_dot_product_attention_math(x, x, x),
    lambda x: nn.MultiheadAttention(4, 1, batch_first=True)(x, x, x),
    lambda x: nn.TransformerEncoderLayer(4, 1, 8, batch_first=True)(x),
    lambda x: reference.attention(x, x, x),
    lambda x: reference.blockwise_attention(x, x, x, 2),
]
RNN = [
    lambda x: nn.RNN(4, 5, batch_first=True)(x),
    lambda x: nn.RNNCell(4, 5)(x[0]),
    lambda x: nn.LSTM(4, 5, batch_first=True)(x),
    lambda x: torch.rnn_tanh_cell(x[0], torch.zeros(3, 5), torch.zeros(5, 4), torch.zeros(5, 5), torch.zeros(5), torch.zeros(5)),
]
NORM = [
    lambda x: F.layer_norm(x, (4,)),
    lambda x: nn.LayerNorm(4)(x),
    lambda x: torch.native_layer_norm(x, (4,), None, None, 1e-5),
    lambda x: F.rms_norm(x, (4,)),
    lambda x: nn.RMSNorm(4)(x),
]
FORBIDDEN = [(forbids, call) for forbids, calls in
             (("softmax", SOFTMAX), ("attention", ATTENTION), ("rnn", RNN), ("norm", NORM)) for call in calls]  # fmt: skip
ALLOWED = [
    ("softmax", lambda x: (x - x.logsumexp(-1, keepdim=True)).exp()),
    ("attention", lambda x: torch.softmax(x @ x.mT, -1) @ x),
    ("attention", lambda x: nn.LayerNorm(4)(nn.Linear(4, 4)(x))),
    ("attention", lambda x: reference.softmax(reference.attention_scores(x, x)) @ x),
    ("rnn", lambda x: torch.tanh(x @ torch.zeros(4, 5))),
    ("norm", lambda x: (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)),
    (None, lambda x: F.scaled_dot_product_attention(x, x, x)),
]
JUDGED = {"softmax": "softmax", "attention": "attention", "rnn": "rnn_forward", "norm": "LayerNorm", None: "softmax"}


def seen(forbids, call):
    earlier = {"attention": {"softmax", "attention_scores"}}.get(forbids, set())
    with watch.watching(JUDGED[forbids], forbids, earlier) as found, watch.on():
        call(X.clone())
    return found.seen


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("forbids", "call"), FORBIDDEN)
def test_a_forbidden_call_is_seen(forbids, call):
    assert seen(forbids, call)


@pytest.mark.parametrize(("forbids", "call"), ALLOWED)
def test_an_allowed_call_is_not_seen(forbids, call):
    assert not seen(forbids, call)


def test_nothing_is_seen_outside_and_after_an_answer():
    with watch.watching("softmax", "softmax", set()) as found:
        torch.softmax(X, -1)
        with watch.on():
            X.exp()
        torch.softmax(X, -1)
    assert not found.seen


def test_a_changed_input_is_told_and_a_copy_is_not():
    def changes(x):
        x += 1
        return x

    use = vars(Drawn({"x": X.clone()}))
    reply = procedures.perform(changes, "autograder.framework.procedures:run", [use])
    assert reply["changed"]
    reply = procedures.perform(lambda x: x + 1, "autograder.framework.procedures:run", [use])
    assert not reply["changed"] and reply["happened"] is None


def test_memory_counts_new_storage_and_no_views():
    x = torch.zeros(100, 10)
    _, views = watch.measure(lambda: x.T[:5].expand(3, 5, 100), [x])
    assert views.peak == 0
    _, one = watch.measure(lambda: x + 1, [x])
    assert one.largest == one.peak == 1000
    _, kept = watch.measure(lambda: [x + i for i in range(4)], [x])
    assert kept.largest == 1000 and kept.peak == 4000

    def let_go():
        for i in range(4):
            y = x + i
        return y

    _, freed = watch.measure(let_go, [x])
    assert freed.peak <= 2000


def test_operations_are_counted():
    _, few = watch.measure(lambda: X + 1, [X])
    _, many = watch.measure(lambda: [X + i for i in range(10)], [X])
    assert many.operations >= few.operations + 9


def test_a_forbidden_call_is_told_in_the_learners_own_line():
    def answer(x):
        return torch.softmax(x, dim=-1)

    with watch.watching("softmax", "softmax", set()) as found, watch.on():
        answer(X.clone())
    assert found.told() == ["`return torch.softmax(x, dim=-1)`"]


def test_an_answer_that_is_the_references_own_object_is_watched():
    from autograder.framework.candidate import LocalCandidate
    from autograder.framework.component import component
    from autograder.framework.judge import judge

    found = judge(LocalCandidate(component("attention"), reference.attention))
    assert found.misconception == "uses-builtin" and found.points == 0


def test_tensors_of_two_devices_are_found_in_any_operation():
    there = X.to("meta")
    mixed = [lambda: there + X, lambda: there @ X.mT, lambda: torch.where(X > 0, there, there), lambda: torch.cat([there, X])]
    for call in mixed:
        with pytest.raises(watch.MixOfDevices), watch.OneDevice():
            call()
    with watch.OneDevice():
        assert (there + torch.tensor(1.0)).device.type == "meta"  # a number is at home everywhere
        there[torch.tensor([0])]
