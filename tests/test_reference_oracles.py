"""The reference agrees, chapter by chapter, with a second way that owes it nothing.

No function in here has the signature of a component: the second ways are PyTorch's own modules and numbers by hand.
"""

import math
import re

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


# Chapter 05


def pytorchs(own):
    """The weights of our blocks under the names of PyTorch's layers."""
    state, packed = {}, {}
    for name, value in own.items():
        name = re.sub("^(encoder|decoder)", r"\1.layers", name).replace("self_attention", "self_attn")
        name = name.replace("cross_attention", "multihead_attn").replace("feed_forward.", "").replace("w_o", "out_proj")
        found = re.fullmatch(r"(.*)w_[qkv]\.(.*)", name)
        if found:
            packed.setdefault(f"{found[1]}in_proj_{found[2]}", []).append(value)
        else:
            state[name] = value
    return state | {name: torch.cat(parts) for name, parts in packed.items()}


def differ_everywhere(module):
    """No two weights alike, norms included."""
    for parameter in module.parameters():
        nn.init.normal_(parameter, std=0.5)
    return module


def test_norms_and_feed_forward_layers_are_those_of_pytorch_and_of_the_formula():
    torch.manual_seed(5)
    x = draw(2, 3, 5)
    norm, rms, forward, gated = (
        differ_everywhere(kind.double())
        for kind in (reference.LayerNorm(5), reference.RMSNorm(5), reference.FeedForward(5, 7), reference.SwiGLU(5, 7))
    )
    near(norm(x), F.layer_norm(x, (5,), norm.weight, norm.bias, 1e-5))
    near(rms(x), x / (x.square().mean(-1, keepdim=True) + 1e-6).sqrt() * rms.weight)
    near(forward(x), nn.Sequential(forward.linear1, nn.ReLU(), forward.linear2)(x))
    gate = x @ gated.w_gate.weight.T
    near(gated(x), (gate * torch.sigmoid(gate) * (x @ gated.w_up.weight.T)) @ gated.w_down.weight.T)


@pytest.mark.parametrize("norm_first", [False, True])
def test_blocks_are_the_layers_of_pytorch(norm_first):
    torch.manual_seed(6)
    x, memory, hidden = draw(2, 3, 12), draw(2, 5, 12, seed=1), torch.tensor([[False] * 5, [False, False, True, True, True]])
    future = torch.ones(3, 3, dtype=torch.bool).triu(1)
    options = {"dropout": 0.0, "batch_first": True, "norm_first": norm_first}
    encoder, decoder = (
        differ_everywhere(kind(12, 3, 7, norm_first=norm_first).double())
        for kind in (reference.EncoderBlock, reference.DecoderBlock)
    )
    theirs = nn.TransformerEncoderLayer(12, 3, 7, **options).double()
    theirs.load_state_dict(pytorchs(encoder.state_dict()))
    near(encoder(memory, ~hidden[:, None]), theirs(memory, src_key_padding_mask=hidden))
    theirs = nn.TransformerDecoderLayer(12, 3, 7, **options).double()
    theirs.load_state_dict(pytorchs(decoder.state_dict()))
    expected = theirs(x, memory, tgt_mask=future, memory_key_padding_mask=hidden)
    near(decoder(x, memory, self_mask=~future, memory_mask=~hidden[:, None]), expected)


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


# Chapter 07


def test_shift_right_and_the_learning_rate_by_hand():
    assert reference.shift_right(torch.tensor([[5, 8, 2, 0]]), 1).tolist() == [[1, 5, 8, 2]]
    rates = [reference.noam_learning_rate(step, 64, 100) for step in (25, 100, 400)]
    assert rates == pytest.approx([0.003125, 0.0125, 0.00625]) and type(rates[0]) is float


@pytest.mark.parametrize("pad_id", [0, -100])
def test_label_smoothed_loss_is_the_formula_and_the_kernel_of_pytorch(pad_id):
    logits, targets = draw(2, 3, 5), torch.tensor([[4, 1, pad_id], [2, pad_id, pad_id]])
    by_hand = torch.tensor([[[0.7, 0.1, 0.1, 0.1]]], dtype=torch.float64).log()
    assert reference.label_smoothed_loss(by_hand, torch.zeros(1, 1, dtype=torch.int64), -1).item() == pytest.approx(
        0.9 * -math.log(0.7) + 0.1 * -(math.log(0.7) + 3 * math.log(0.1)) / 4
    )
    aim = torch.full((3, 5), 0.3 / 5, dtype=torch.float64)
    aim[range(3), [4, 1, 2]] += 0.7
    kept = logits[targets != pad_id]
    near(reference.label_smoothed_loss(logits, targets, pad_id, 0.3), -(aim * kept.log_softmax(-1)).sum() / 3)
    assert reference.label_smoothed_loss(logits, torch.full((2, 3), pad_id), pad_id).item() == 0.0


def test_the_model_is_the_stacks_of_pytorch_in_outputs_and_gradients():
    torch.manual_seed(0)
    model = reference.Transformer(13, 11, 12, 3, 17, 2, pad_id=5).double()
    theirs = nn.ModuleDict({
        "encoder": nn.TransformerEncoder(
            nn.TransformerEncoderLayer(12, 3, 17, 0.0, batch_first=True), 2, enable_nested_tensor=False),
        "decoder": nn.TransformerDecoder(nn.TransformerDecoderLayer(12, 3, 17, 0.0, batch_first=True), 2),
    }).double()  # fmt: skip
    theirs.load_state_dict({k: x for k, x in pytorchs(model.state_dict()).items() if k.startswith(("encoder", "decoder"))})
    source = torch.randint(6, 13, (3, 7))
    source[1, 4:] = 5
    target = torch.randint(0, 11, (3, 5))

    def start(table, tokens):
        return table(tokens) * 12**0.5 + reference.sinusoidal_encoding(tokens.shape[1], 12)

    hidden, future = source == 5, torch.ones(5, 5, dtype=torch.bool).triu(1)
    memory = theirs["encoder"](start(model.source_embedding, source), src_key_padding_mask=hidden)
    x = theirs["decoder"](start(model.target_embedding, target), memory, tgt_mask=future, memory_key_padding_mask=hidden)
    expected, got = model.output(x), model(source, target)
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-7)  # the encoding may be of float32
    for table in (model.source_embedding, model.target_embedding):
        (mine,) = torch.autograd.grad(got.square().sum(), table.weight, retain_graph=True)
        (other,) = torch.autograd.grad(expected.square().sum(), table.weight, retain_graph=True)
        torch.testing.assert_close(mine, other, rtol=1e-6, atol=1e-7)


class Chain(nn.Module):
    """A model whose next word hangs on the word before it alone, by a table of probabilities."""

    pad_id = 5

    def __init__(self, table):
        super().__init__()
        self.table = torch.tensor(table)

    def encode(self, source):
        return source

    def decode(self, target_in, memory, source):
        return self.table[target_in].log()


A, B, BEGIN, END = 0, 1, 2, 3
UNSURE = Chain([[0.25, 0.24, 0.01, 0.5], [0.05, 0.04, 0.01, 0.9], [0.6, 0.38, 0.01, 0.01], [0.25] * 4])


def test_greedy_decoding_by_hand():
    rows = reference.greedy_decode(UNSURE, torch.zeros(1, 3, dtype=torch.int64), BEGIN, END, 9)
    assert rows.tolist() == [[A, END]]
    assert reference.greedy_decode(UNSURE, torch.zeros(2, 3, dtype=torch.int64), BEGIN, END, 1).tolist() == [[A], [A]]


def test_beam_search_finds_by_hand_what_greedy_decoding_misses():
    found = reference.beam_search(UNSURE, torch.zeros(1, 3, dtype=torch.int64), BEGIN, END, 2)
    tokens, score = found[0]
    assert tokens == [B, END] and score == pytest.approx(math.log(0.38 * 0.9) / (7 / 6) ** 0.6)
    assert len(found) == 4 and [score for _, score in found] == sorted((score for _, score in found), reverse=True)
    every = reference.beam_search(UNSURE, torch.zeros(1, 3, dtype=torch.int64), BEGIN, END, 2, beam_size=99, alpha=0.0)
    assert len(every) == 1 + 3 * 4 and math.fsum(math.exp(score) for _, score in every) == pytest.approx(1.0, abs=1e-5)
