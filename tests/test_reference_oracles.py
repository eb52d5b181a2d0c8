"""The reference agrees, chapter by chapter, with a second way that owes it nothing.

No function in here has the signature of a component: the second ways are PyTorch's own modules and numbers by hand.
"""

import math

import pytest
import torch
from reference_examples import BATCH, D_K, D_V, DTYPES, K_LEN, Q_LEN, draw, example, heads, near
from torch import nn
from torch.nn import functional as F

from utils import reference

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
    from autograder.framework import watch

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
