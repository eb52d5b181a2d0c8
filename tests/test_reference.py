"""The reference keeps the contract, sentence by sentence, and agrees with a second way that owes it nothing.

No function in here has the signature of a component: the second ways are PyTorch's own modules and numbers by hand.
"""

import math

import pytest
import torch
from torch import nn
from torch.autograd import gradcheck
from torch.nn import functional as F

from utils import reference
from utils.reference import observed

DTYPES = [torch.float32, torch.float64]
BATCH, Q_LEN, K_LEN, D_K, D_V = 2, 3, 5, 7, 11


def draw(*shape, seed=0, dtype=torch.float64, requires_grad=False):
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=dtype).requires_grad_(requires_grad)


def near(got, expected, dtype=torch.float64):
    """float64 to the contract's 1e-9; float32 to 1e-5, ten times the largest gap seen."""
    tolerance = 1e-9 if dtype is torch.float64 else 1e-5
    torch.testing.assert_close(got, expected, rtol=tolerance, atol=tolerance / 100 if dtype is torch.float64 else 1e-6)


def heads(d_model=12, num_heads=3, dtype=torch.float64, **options):
    torch.manual_seed(1)
    return reference.MultiHeadAttention(d_model, num_heads, **options).to(dtype).eval()


def example(name, dtype=torch.float64, requires_grad=False):
    """(what to call, its tensors) of a component with floating inputs."""

    def x(*shape, seed=0):
        return draw(*shape, seed=seed, dtype=dtype, requires_grad=requires_grad)

    torch.manual_seed(2)
    query, memory = x(BATCH, Q_LEN, 12), x(BATCH, K_LEN, 12, seed=1)
    q, k, v = x(BATCH, Q_LEN, D_K), x(BATCH, K_LEN, D_K, seed=1), x(BATCH, K_LEN, D_V, seed=2)
    return {
        "rnn_forward": (reference.rnn_forward, [x(2, 3, 5), x(5, 7), x(7, 7), x(7)]),
        "causal_average": (reference.causal_average, [x(2, 3, 5)]),
        "softmax": (reference.softmax, [x(2, 3, 5)]),
        "attention_scores": (reference.attention_scores, [q, k]),
        "attention": (reference.attention, [q, k, v]),
        "blockwise_attention": (lambda *qkv: reference.blockwise_attention(*qkv, 2), [q, k, v]),
        "SelfAttention": (reference.SelfAttention(5, 7, 11).to(dtype), [x(2, 3, 5)]),
        "split_heads": (lambda x: reference.split_heads(x, 3), [x(2, 5, 21)]),
        "merge_heads": (reference.merge_heads, [x(2, 3, 5, 7)]),
        "MultiHeadAttention": (heads(dtype=dtype), [query, memory, x(BATCH, K_LEN, 12, seed=2)]),
        "GroupedQueryAttention": (reference.GroupedQueryAttention(12, 6, 2).to(dtype), [query, memory, memory]),
        "LearnedPositionalEmbedding": (reference.LearnedPositionalEmbedding(7, 5).to(dtype), [x(2, 3, 5)]),
        "apply_rotary": (lambda x: reference.apply_rotary(x, torch.tensor([4, 0, 9])), [x(2, 3, 6)]),
    }[name]


FLOATING = (
    "rnn_forward", "causal_average", "softmax", "attention_scores", "attention", "blockwise_attention", "SelfAttention",
    "split_heads", "merge_heads", "MultiHeadAttention", "GroupedQueryAttention", "LearnedPositionalEmbedding", "apply_rotary",
)  # fmt: skip


def tensors(result):
    return result if isinstance(result, tuple) else (result,)


# All components


def test_components_stand_in_the_order_of_the_contract():
    names = list(reference.COMPONENTS)
    assert names == [name for name in observed.ORDER if name in reference.COMPONENTS]
    assert all(getattr(reference, name) is built for name, built in reference.COMPONENTS.items())


@pytest.mark.parametrize("name", FLOATING)
@pytest.mark.parametrize("dtype", DTYPES)
def test_result_keeps_the_dtype(name, dtype):
    call, inputs = example(name, dtype)
    assert all(result.dtype is dtype for result in tensors(call(*inputs)))


@pytest.mark.parametrize("name", FLOATING)
def test_float32_agrees_with_float64(name):
    (call, inputs), (exact, _) = example(name, torch.float32), example(name)
    if isinstance(call, nn.Module):
        exact.load_state_dict(call.state_dict())
    for got, expected in zip(tensors(call(*inputs)), tensors(exact(*(x.double() for x in inputs))), strict=True):
        torch.testing.assert_close(got.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FLOATING)
def test_inputs_are_left_alone_and_a_second_call_gives_the_same(name):
    call, inputs = example(name)
    before = [x.clone() for x in inputs]
    first, second = tensors(call(*inputs)), tensors(call(*inputs))
    assert all(torch.equal(x, y) for x, y in zip(inputs, before, strict=True))
    assert all(torch.equal(x, y) for x, y in zip(first, second, strict=True))


@pytest.mark.parametrize("name", FLOATING)
def test_gradients_in_inputs_and_parameters_are_right(name):
    call, inputs = example(name, requires_grad=True)
    parameters = dict(call.named_parameters()) if isinstance(call, nn.Module) else {}

    def function(*args):
        given = dict(zip(parameters, args[len(inputs) :], strict=True))
        return torch.func.functional_call(call, given, args[: len(inputs)]) if parameters else call(*args)

    assert gradcheck(function, (*inputs, *parameters.values()), atol=1e-7)


@pytest.mark.parametrize("name", FLOATING)
def test_result_stays_on_the_device(name):
    call, inputs = example(name)
    call = call.to("meta") if isinstance(call, nn.Module) else call
    assert all(result.device.type == "meta" for result in tensors(call(*(x.to("meta") for x in inputs))))


KEYS = {
    "SelfAttention": ((5, 7, 11), {"w_q.weight": (7, 5), "w_k.weight": (7, 5), "w_v.weight": (11, 5)}),
    "MultiHeadAttention": ((12, 3), {f"w_{w}.{p}": s for w in "qkvo" for p, s in (("weight", (12, 12)), ("bias", (12,)))}),
    "GroupedQueryAttention": (
        (12, 6, 2),
        {f"w_{w}.{p}": s for w in "qo" for p, s in (("weight", (12, 12)), ("bias", (12,)))}
        | {f"w_{w}.{p}": s for w in "kv" for p, s in (("weight", (4, 12)), ("bias", (4,)))},
    ),
    "LearnedPositionalEmbedding": ((7, 5), {"table": (7, 5)}),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_state_dict_has_exactly_the_keys_of_the_contract(name):
    arguments, expected = KEYS[name]
    module = reference.COMPONENTS[name](*arguments)
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == expected
    assert type(module).__name__ == name


ERRORS = {
    "blockwise_attention": (lambda: reference.blockwise_attention(draw(3, 7), draw(5, 7), draw(5, 7), 0), "block_size=0"),
    "split_heads": (lambda: reference.split_heads(draw(2, 3, 10), 3), "d_model=10 does not split into num_heads=3"),
    "MultiHeadAttention": (lambda: reference.MultiHeadAttention(10, 3), "d_model=10 does not split into num_heads=3"),
    "GroupedQueryAttention": (lambda: reference.GroupedQueryAttention(10, 3, 1), "d_model=10 does not .* num_heads=3"),
    "groups": (lambda: reference.GroupedQueryAttention(12, 6, 4), "num_heads=6 does not .* num_kv_heads=4"),
    "LearnedPositionalEmbedding": (lambda: reference.LearnedPositionalEmbedding(7, 5)(draw(2, 8, 5)), "seq=8 .* max_len=7"),
    "shift_matrix": (lambda: reference.shift_matrix(3, 7), "d_model=7"),
    "apply_rotary": (lambda: reference.apply_rotary(draw(2, 3, 7), torch.arange(3)), "d_head=7"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_bad_argument_raises_value_error_with_its_name_and_value(name):
    call, words = ERRORS[name]
    with pytest.raises(ValueError, match=words):
        call()


# Chapter 01


@pytest.mark.parametrize("dtype", DTYPES)
def test_rnn_forward_is_the_rnn_of_pytorch(dtype):
    _, (x, w_x, w_h, b) = example("rnn_forward", dtype)
    rnn = nn.RNN(5, 7, batch_first=True, dtype=dtype)
    state = {"weight_ih_l0": w_x.T, "weight_hh_l0": w_h.T, "bias_ih_l0": torch.zeros_like(b), "bias_hh_l0": b}
    rnn.load_state_dict(state)
    near(reference.rnn_forward(x, w_x, w_h, b), rnn(x)[0], dtype)


def test_gradient_norms_agree_with_differences():
    x = draw(2, 3, 5, requires_grad=True)
    weight = draw(5, 7)

    def outputs(x):
        return torch.tanh(x @ weight).cumsum(1) ** 2

    norms = reference.gradient_norms(outputs(x), x)
    jacobian = torch.autograd.functional.jacobian(lambda x: outputs(x)[:, -1].sum(), x.detach())
    near(norms, jacobian.pow(2).sum(dim=(0, 2)).sqrt())
    assert x.grad is None


def test_gradient_norms_may_be_asked_twice_and_touch_no_grad():
    x, weight = draw(2, 3, 5, requires_grad=True), draw(5, 7, requires_grad=True)
    x.grad = torch.ones_like(x)
    outputs = torch.tanh(x @ weight)
    first, second = (reference.gradient_norms(outputs, x) for _ in range(2))
    assert torch.equal(first, second) and weight.grad is None and torch.equal(x.grad, torch.ones_like(x))
    assert first[:-1].tolist() == [0.0, 0.0] and first[-1] > 0
    outputs.sum().backward()  # the graph is still there


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradient_norms_are_zero_where_there_is_no_path(dtype):
    x = draw(2, 3, 5, dtype=dtype, requires_grad=True)
    for outputs in (draw(2, 3, 7), draw(2, 3, 7, requires_grad=True) * 2):
        norms = reference.gradient_norms(outputs, x)
        assert norms.dtype is dtype and norms.tolist() == [0.0, 0.0, 0.0]
    near(reference.gradient_norms(x, x), torch.tensor([0.0, 0.0, math.sqrt(10)], dtype=dtype), dtype)


def test_causal_average_by_hand_and_over_a_long_sequence():
    x = torch.tensor([[[2.0, 1.0], [4.0, 1.0], [9.0, 4.0]]])
    near(reference.causal_average(x), torch.tensor([[[2.0, 1.0], [3.0, 1.0], [5.0, 2.0]]]), torch.float32)
    x = draw(2, 997, 3)
    near(reference.causal_average(x)[:, -1], x.mean(dim=1))
    later = x.clone()
    later[:, 500:] += 1
    assert torch.equal(reference.causal_average(later)[:, :500], reference.causal_average(x)[:, :500])


# Chapter 02


def test_softmax_is_stable_and_takes_any_dim():
    x = torch.tensor([[1000.0, 0.0, -torch.inf], [-1000.0, -1001.0, -1001.0]])
    near(reference.softmax(x)[0], torch.tensor([1.0, 0.0, 0.0]), torch.float32)
    near(reference.softmax(draw(2, 3, 5), dim=1).sum(1), torch.ones(2, 5, dtype=torch.float64))


@pytest.mark.parametrize("lead", [(), (2,), (2, 3)])
def test_attention_agrees_with_the_fused_kernel_and_its_own_weights(lead):
    q, k, v = draw(*lead, Q_LEN, D_K), draw(*lead, K_LEN, D_K, seed=1), draw(*lead, K_LEN, D_V, seed=2)
    mask = torch.rand(Q_LEN, K_LEN, generator=torch.Generator().manual_seed(3)) > 0.4
    for given in (None, mask):
        output, weights = reference.attention(q, k, v, given)
        assert output.shape == (*lead, Q_LEN, D_V) and weights.shape == (*lead, Q_LEN, K_LEN)
        near(output, F.scaled_dot_product_attention(q, k, v, given))
        near(torch.einsum("...qk,...kd->...qd", weights, v), output)
        near(weights.sum(-1), torch.ones(*lead, Q_LEN, dtype=torch.float64))
        near(weights, F.scaled_dot_product_attention(q, k, torch.eye(K_LEN, dtype=q.dtype).expand(*lead, -1, -1), given))
        assert given is None or not weights[..., ~mask].any()
        near(reference.blockwise_attention(q, k, v, 2, given), output)
    scores = reference.attention_scores(q, k)
    near(torch.softmax(scores, -1), reference.attention(q, k, v)[1])
    near(scores[..., 0, 1], (q[..., 0, :] * k[..., 1, :]).sum(-1) / math.sqrt(D_K))


BLANK = torch.tensor([[True, False, True, True, False], [False] * 5, [False, True, True, False, False]])


@pytest.mark.parametrize("mask", [BLANK, BLANK.expand(BATCH, -1, -1)], ids=["two axes", "three axes"])
@pytest.mark.parametrize(
    "name", ["attention", "blockwise_attention", "SelfAttention", "MultiHeadAttention", "GroupedQueryAttention"]
)
def test_row_that_may_attend_to_nothing_is_zero_with_finite_gradients(name, mask):
    call, inputs = example(name, requires_grad=True)
    if name == "blockwise_attention":
        output, weights = reference.blockwise_attention(*inputs, 2, mask), None
    elif name == "SelfAttention":
        mask = mask[..., :3]
        output, weights = call(*inputs, mask=mask)
    else:
        output, weights = call(*inputs, mask=mask)
    blank = call.w_o.bias.expand(BATCH, -1) if hasattr(call, "w_o") else torch.zeros_like(output[:, 1])
    near(output[:, 1], blank)
    if weights is not None:
        allowed = mask if weights.dim() == 3 else mask.expand(BATCH, -1, -1)[:, None]
        assert not weights.masked_select(~allowed.expand(weights.shape)).any()
        (weights**2).sum().backward(retain_graph=True)
    (output**2).sum().backward()
    assert all(x.grad.isfinite().all() for x in inputs)
    if isinstance(call, nn.Module):
        assert all(p.grad is None or p.grad.isfinite().all() for p in call.parameters())


@pytest.mark.parametrize("shape", [(BATCH, 1, K_LEN), (1, K_LEN), (1, 1, K_LEN)])
def test_mask_is_broadcast(shape):
    mask = torch.ones(shape, dtype=torch.bool)
    mask[..., 3] = False
    q, k, v = (draw(BATCH, n, 12, seed=n) for n in (Q_LEN, K_LEN, K_LEN))
    without = [0, 1, 2, 4]
    near(reference.attention(q, k, v, mask)[0], reference.attention(q, k[:, without], v[:, without])[0])
    near(reference.blockwise_attention(q, k, v, 2, mask), reference.attention(q, k, v, mask)[0])
    multi = heads()
    near(multi(q, k, v, mask=mask)[0], multi(q, k[:, without], v[:, without])[0])


@pytest.mark.parametrize("block_size", [1, 2, 5, 9])
def test_blockwise_attention_is_exact_for_every_block_size(block_size):
    _, (q, k, v) = example("attention")
    near(reference.blockwise_attention(q, k, v, block_size, BLANK), reference.attention(q, k, v, BLANK)[0])


@pytest.mark.parametrize("masked", [False, True])
def test_blockwise_attention_holds_no_tensor_of_all_scores(masked):
    from autograder.checks import watch

    q, k, v = draw(61, 4), draw(67, 4, seed=1), draw(67, 4, seed=2)
    mask = torch.rand(61, 67) > 0.5 if masked else None
    given = [q, k, v, *([mask] if masked else [])]
    _, measured = watch.measure(lambda: reference.blockwise_attention(q, k, v, 7, mask), given)
    assert measured.largest < 61 * 67 and measured.peak < 61 * 67


# Chapters 03 and 04


def test_masks_by_hand():
    assert reference.create_look_ahead_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    mask = reference.create_padding_mask(torch.tensor([[4, 0, 7], [7, 4, 4]]), 4)
    assert mask.tolist() == [[[False, True, True]], [[True, False, False]]] and mask.dtype is torch.bool


@pytest.mark.parametrize("dtype", DTYPES)
def test_self_attention_is_attention_on_its_projections(dtype):
    layer, (x,) = example("SelfAttention", dtype)
    mask = reference.create_look_ahead_mask(3)
    output, weights = layer(x, mask)
    assert output.shape == (2, 3, 11) and weights.shape == (2, 3, 3)
    near(output, F.scaled_dot_product_attention(layer.w_q(x), layer.w_k(x), layer.w_v(x), is_causal=True), dtype)


def test_heads_are_neighbouring_features_and_merge_is_the_inverse():
    x = torch.arange(2 * 5 * 6).reshape(2, 5, 6)
    split = reference.split_heads(x, 3)
    assert split.shape == (2, 3, 5, 2) and split[0, 1, 4].tolist() == [26, 27]
    assert torch.equal(reference.merge_heads(split), x)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_multi_head_attention_is_the_module_of_pytorch(masked, dtype):
    ours, theirs = heads(dtype=dtype), nn.MultiheadAttention(12, 3, batch_first=True, dtype=dtype)
    parts = [ours.w_q, ours.w_k, ours.w_v]
    state = {"in_proj_weight": torch.cat([part.weight for part in parts]), "in_proj_bias": torch.cat([p.bias for p in parts])}
    theirs.load_state_dict(state | {f"out_proj.{key}": value for key, value in ours.w_o.state_dict().items()})
    query, key, value = (draw(BATCH, n, 12, seed=seed, dtype=dtype) for seed, n in enumerate((Q_LEN, K_LEN, K_LEN)))
    mask = torch.tensor([[[True] * 5, [True, False] * 2 + [True], [False, True, True, False, False]]] * BATCH) if masked else None
    attn_mask = None if mask is None else ~mask.repeat_interleave(3, dim=0)
    output, weights = ours(query, key, value, mask=mask)
    expected = theirs(query, key, value, attn_mask=attn_mask, average_attn_weights=False)
    near(output, expected[0], dtype)
    near(weights, expected[1], dtype)


def test_dropout_acts_in_training_only_and_on_the_weights_that_multiply_the_values():
    x = draw(BATCH, K_LEN, 12)
    layer = heads(dropout=0.5)
    output, weights = layer(x, x, x)
    layer.train()
    torch.manual_seed(3)
    dropped, same = layer(x, x, x)
    near(same, weights)
    assert not torch.allclose(dropped, output)
    many = torch.stack([layer(x, x, x)[0] for _ in range(4000)])
    error = many.std(0) / math.sqrt(len(many))
    assert ((many.mean(0) - output).abs() < 5 * error).all()
    layer.eval()
    near(layer(x, x, x)[0], output)


@pytest.mark.parametrize("num_kv_heads", [1, 2, 6])
def test_grouped_query_attention_is_the_fused_kernel_with_groups(num_kv_heads):
    torch.manual_seed(4)
    layer = reference.GroupedQueryAttention(12, 6, num_kv_heads).double()
    query, key, value = (draw(BATCH, n, 12, seed=seed) for seed, n in enumerate((Q_LEN, K_LEN, K_LEN)))
    q, k, v = (
        projected.reshape(BATCH, -1, projected.shape[-1] // 2, 2).transpose(1, 2)
        for projected in (layer.w_q(query), layer.w_k(key), layer.w_v(value))
    )
    output, weights = layer(query, key, value, mask=BLANK)
    expected = F.scaled_dot_product_attention(q, k, v, BLANK, enable_gqa=True)
    near(output, layer.w_o(expected.transpose(1, 2).reshape(BATCH, Q_LEN, 12)))
    assert weights.shape == (BATCH, 6, Q_LEN, K_LEN)


# Chapter 06


@pytest.mark.parametrize("d_model", [1, 6, 7, 128])
def test_sinusoidal_encoding_is_exact_up_to_position_10000(d_model):
    table = reference.sinusoidal_encoding(10_001, d_model)
    assert table.shape == (10_001, d_model) and table.dtype is torch.float32
    for position in (0, 1, 13, 997, 10_000):
        for feature in range(d_model):
            angle = position / 10_000 ** (2 * (feature // 2) / d_model)
            assert table[position, feature].item() == pytest.approx([math.sin, math.cos][feature % 2](angle), abs=1e-6)
    table.zero_()
    assert reference.sinusoidal_encoding(3, d_model)[1, 0].item() == pytest.approx(math.sin(1), abs=1e-6)


def test_learned_positions_add_their_rows():
    layer = reference.LearnedPositionalEmbedding(7, 5)
    x = draw(2, 3, 5, dtype=torch.float32)
    near(layer(x) - x, layer.table[:3].expand(2, -1, -1), torch.float32)
    layer(x).sum().backward()
    assert layer.table.grad[:3].unique().tolist() == [2.0] and not layer.table.grad[3:].any()


@pytest.mark.parametrize("offset", [-9, -1, 0, 1, 5])
@pytest.mark.parametrize("d_model", [2, 6, 64])
def test_shift_matrix_moves_every_position(offset, d_model):
    table, matrix = reference.sinusoidal_encoding(20, d_model), reference.shift_matrix(offset, d_model)
    starts = torch.arange(max(0, -offset), 20 - max(0, offset))
    torch.testing.assert_close(table[starts] @ matrix, table[starts + offset], rtol=0, atol=1e-5)
    assert matrix.shape == (d_model, d_model) and matrix.dtype is table.dtype


@pytest.mark.parametrize("dtype", DTYPES)
def test_rotary_turns_counter_clockwise_and_sees_only_distances(dtype):
    by_hand = reference.apply_rotary(torch.tensor([[1.0, 0.0]], dtype=dtype), torch.tensor([2]))
    near(by_hand, torch.tensor([[math.cos(2), math.sin(2)]], dtype=dtype), dtype)
    q, k = draw(2, 3, 5, 6, dtype=dtype), draw(2, 3, 5, 6, seed=1, dtype=dtype)
    positions = torch.tensor([3, 0, 8, 1, 1])
    near(reference.apply_rotary(q, positions).norm(dim=-1), q.norm(dim=-1), dtype)
    here, there = (
        reference.apply_rotary(q, positions + shift) @ reference.apply_rotary(k, positions + shift).mT for shift in (0, 4)
    )
    torch.testing.assert_close(here, there, rtol=1e-4, atol=1e-5)


def test_alibi_by_hand():
    bias = reference.alibi_bias(2, 3)
    inf = math.inf
    assert bias.dtype is torch.float32
    assert bias[0].tolist() == [[0.0, -inf, -inf], [-(2**-4), 0.0, -inf], [-(2**-3), -(2**-4), 0.0]]
    assert bias[1, 2].tolist() == [-(2**-7), -(2**-8), 0.0]
    assert reference.alibi_bias(8, 2)[0, 1, 0].item() == -0.5


# Watching


class Diary:
    def __init__(self):
        self.lines = []

    def enter(self, name):
        self.lines.append(f"enter {name}")

    def leave(self, name):
        self.lines.append(f"leave {name}")


@pytest.fixture
def diary():
    written = Diary()
    observed.watchers.append(written)
    yield written
    observed.watchers.remove(written)


def test_watcher_is_told_of_functions_and_modules_and_of_errors(diary):
    reference.softmax(draw(3))
    layer, inputs = example("SelfAttention")
    layer(*inputs)
    with pytest.raises(ValueError):
        reference.split_heads(draw(2, 3, 10), 3)
    names = ["softmax", "SelfAttention", "split_heads"]
    assert diary.lines == [f"{what} {name}" for name in names for what in ("enter", "leave")]


def test_watcher_is_told_of_a_class_that_inherits_from_a_component(diary):
    class Own(reference.SelfAttention):
        pass

    Own(5, 7, 11)(draw(2, 3, 5, dtype=torch.float32))
    assert diary.lines == ["enter SelfAttention", "leave SelfAttention"]


def test_wrapped_components_keep_their_names_and_signatures():
    import inspect

    assert str(inspect.signature(reference.attention)) == "(q, k, v, mask=None)"
    assert reference.attention.__name__ == "attention" and not hasattr(reference.attention, "__wrapped__")
