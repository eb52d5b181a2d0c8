"""What an answer may not call is seen however it is reached, and what it may call is not."""

import importlib
import subprocess
import sys

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.attention.flex_attention import flex_attention
from torch.nn.functional import multi_head_attention_forward

from autograder.framework import other_device, procedures, watch
from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import Drawn, component
from autograder.framework.judge import judge
from utils import reference
from utils.manifest import ROOT

X = torch.linspace(-1, 1, 24).reshape(2, 3, 4)
SQUARE = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
HEADS = nn.MultiheadAttention(4, 1, batch_first=True)


def forward_of_heads(x, need_weights):
    """The function behind `nn.MultiheadAttention`, called as `from torch.nn.functional import …` allows."""
    return multi_head_attention_forward(
        x, x, x, 4, 1, HEADS.in_proj_weight, HEADS.in_proj_bias, None, None, False, 0.0, HEADS.out_proj.weight,
        HEADS.out_proj.bias, need_weights=need_weights,
    )  # fmt: skip


@torch.jit.script
def scripted(x: torch.Tensor):
    return torch.softmax(x, -1)


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
    lambda x: scripted(x),
    lambda x: F.gumbel_softmax(x),
    lambda x: torch.func.vmap(lambda y: torch.softmax(y, -1))(x),
    lambda x: torch.func.grad(lambda y: torch.softmax(y, -1).prod())(x),
    lambda x: torch.softmax(x, -1, out=torch.empty_like(x)),
    lambda x: torch.sparse.softmax(x.to_sparse(), -1),
    lambda x: flex_attention(x[:, None], x[:, None], x[:, None]),
    lambda x: reference.softmax(x),
    lambda x: reference.attention(x, x, x)[1],
]
ATTENTION = [
    lambda x: F.scaled_dot_product_attention(x, x, x),
    lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=torch.ones(3, 3, dtype=torch.bool)),
    lambda x: torch.ops.aten.scaled_dot_product_attention(x, x, x),
    lambda x: torch.ops.aten._scaled_dot_product_attention_math(x, x, x),
    lambda x: nn.MultiheadAttention(4, 1, batch_first=True)(x, x, x),
    lambda x: HEADS.forward(x, x, x),
    lambda x: forward_of_heads(x, need_weights=True),
    lambda x: forward_of_heads(x, need_weights=False),
    lambda x: flex_attention(x[:, None], x[:, None], x[:, None]),
    lambda x: nn.TransformerEncoderLayer(4, 1, 8, batch_first=True)(x),
    lambda x: reference.attention(x, x, x),
    lambda x: reference.blockwise_attention(x, x, x, 2),
]
RNN = [
    lambda x: nn.RNN(4, 5, batch_first=True)(x),
    lambda x: nn.RNNCell(4, 5)(x[0]),
    lambda x: nn.LSTM(4, 5, batch_first=True)(x),
    lambda x: nn.GRU(4, 5).forward(x),
    lambda x: nn.GRUCell(4, 5).forward(x[0]),
    lambda x: torch.rnn_tanh_cell(x[0], torch.zeros(3, 5), torch.zeros(5, 4), torch.zeros(5, 5), torch.zeros(5), torch.zeros(5)),
]
NORM = [
    lambda x: F.layer_norm(x, (4,)),
    lambda x: nn.LayerNorm(4)(x),
    lambda x: torch.native_layer_norm(x, (4,), None, None, 1e-5),
    lambda x: F.rms_norm(x, (4,)),
    lambda x: nn.RMSNorm(4)(x),
]
BLOCKS = [
    lambda x: HEADS.forward(x, x, x),
    lambda x: forward_of_heads(x, need_weights=True),
    lambda x: nn.TransformerDecoderLayer(4, 1, 8, batch_first=True).forward(x, x),
]
LOGITS, TARGETS = X[0], torch.tensor([0, 1, 3])
SMOOTHING = [
    lambda x: F.cross_entropy(LOGITS, TARGETS, label_smoothing=0.1),
    lambda x: nn.CrossEntropyLoss(label_smoothing=0.1)(LOGITS, TARGETS),
    lambda x: torch.ops.aten.cross_entropy_loss(LOGITS, TARGETS, None, 1, -100, 0.1),
]
UNFOLD = [
    lambda x: F.unfold(x, (3, 2)),
    lambda x: nn.Unfold((3, 2), stride=2)(x[None]),
    lambda x: torch.ops.aten.im2col(x, [3, 2], [1, 1], [0, 0], [1, 1]),
    lambda x: reference.patchify(x[None], 1),
]
FORBIDDEN = [(forbids, call) for forbids, calls in
             (("softmax", SOFTMAX), ("attention", ATTENTION), ("rnn", RNN), ("norm", NORM), ("unfold", UNFOLD),
              ("blocks", BLOCKS), ("smoothing", SMOOTHING))
             for call in calls]  # fmt: skip
ALLOWED = [
    ("softmax", lambda x: (x - x.logsumexp(-1, keepdim=True)).exp()),
    ("attention", lambda x: torch.softmax(x @ x.mT, -1) @ x),
    ("attention", lambda x: nn.LayerNorm(4)(nn.Linear(4, 4)(x))),
    ("attention", lambda x: reference.softmax(reference.attention_scores(x, x)) @ x),
    ("rnn", lambda x: torch.tanh(x @ torch.zeros(4, 5))),
    ("norm", lambda x: (x - x.mean(-1, keepdim=True)) / x.std(-1, keepdim=True)),
    ("unfold", lambda x: x.unfold(1, 2, 1).unfold(2, 2, 2)),
    ("unfold", lambda x: F.conv2d(F.pixel_unshuffle(x, 1)[None], torch.ones(1, 2, 1, 1))),
    ("blocks", lambda x: F.scaled_dot_product_attention(x, x, x)),
    ("smoothing", lambda x: F.cross_entropy(LOGITS, TARGETS) - torch.log_softmax(LOGITS, -1).mean()),
    (None, lambda x: F.scaled_dot_product_attention(x, x, x)),
]
JUDGED = {"softmax": "softmax", "attention": "attention", "rnn": "rnn_forward", "norm": "LayerNorm", "unfold": "patchify",
          "blocks": "EncoderBlock", "smoothing": "label_smoothed_loss", None: "softmax"}  # fmt: skip


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
    found = judge(LocalCandidate(component("attention"), reference.attention))
    assert found.misconception == "uses-builtin" and found.points == 0


@pytest.mark.parametrize("mix", [
    lambda there: there + SQUARE,
    lambda there: there @ SQUARE.mT,
    lambda there: torch.where(SQUARE > 0, there, there),
    lambda there: torch.cat([there, SQUARE]),
    lambda there: there * torch.tensor([2.0, 3.0]),
    lambda there: torch.zeros(2, 2, device=there.device) @ torch.zeros(2, 2),
    lambda there: SQUARE[torch.zeros(1, dtype=torch.long, device=there.device)],
])  # fmt: skip
def test_tensors_of_two_devices_are_found_in_any_operation(mix):
    there = other_device.Elsewhere(SQUARE)
    with pytest.raises(other_device.MixOfDevices), other_device.ValuesThere(), other_device.OtherDevice():
        mix(there)


@pytest.mark.parametrize("make", [
    lambda there: there + torch.tensor(1.0),  # a number is at home everywhere
    lambda there: there[torch.tensor([0])],  # and so is an index
    lambda there: there.new_tensor([1.0]) + there,
    lambda there: torch.tensor([1.0], device=there.device) + there,
    lambda there: torch.as_tensor([1.0]).to(there) + there,
    lambda there: torch.zeros_like(there).copy_(SQUARE),
    lambda there: torch.full((2, 2), 0.5, device=there.device).tril().masked_fill_(torch.eye(2, device=there.device) > 0, 1),
    lambda there: torch.nn.functional.layer_norm(there, there.shape[-1:]).chunk(2, -1)[0],
])  # fmt: skip
def test_what_is_made_where_the_inputs_are_stays_there(make):
    there = other_device.Elsewhere(SQUARE)
    with other_device.ValuesThere(), other_device.OtherDevice():
        assert make(there).device.type == other_device.NAME


@pytest.mark.parametrize("read", [
    lambda there: there.tolist(),
    lambda there: there.sum().item(),
    lambda there: torch.tensor(there),
    lambda there: there.cpu(),
    lambda there: there.numpy(),
    lambda there: bool(there.any()),
    lambda there: torch.equal(there, there),
])  # fmt: skip
def test_code_that_reads_numbers_is_not_judged_there(read):
    with other_device.ValuesThere(), other_device.OtherDevice():
        there = other_device.Elsewhere(SQUARE)
        with pytest.raises(Exception) as caught:
            read(there)
    assert not isinstance(caught.value, other_device.MixOfDevices)


def test_the_other_device_needs_no_compiler():
    code = (
        "import sys, autograder; autograder.start(); from autograder.framework.judge import judge; "
        "from autograder.framework.candidate import OracleCandidate; from autograder.framework.component import component; "
        "assert all(judge(OracleCandidate(component(name))).passed for name in ('softmax', 'LearnedPositionalEmbedding')); "
        "assert not {'sympy', 'torch._dynamo'} & set(sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


@pytest.mark.parametrize("name", ["causal_average", "gradient_norms"])
def test_an_answer_that_calls_the_checks_own_oracle_is_seen(name):
    checked = component(name)
    module = importlib.import_module(f"autograder.components.{name}")
    (oracle,) = (value for key, value in vars(module).items() if key.startswith("oracle_"))

    def answer(*args, **kwargs):
        try:
            return oracle(*args, **kwargs)
        except Exception:  # noqa: BLE001 (another form than the oracle takes)
            return args[0]

    assert judge(LocalCandidate(checked, answer)).misconception == "uses-builtin"


def test_a_notebook_without_a_name_may_call_what_it_may():
    its = {"torch": torch, "__name__": None}
    exec("def answer(x):\n    return torch.softmax(x, -1)\n", its)
    assert not seen("attention", its["answer"]) and seen("softmax", its["answer"])
