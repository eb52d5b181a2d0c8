"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.misconceptions import variant

# split_heads


@variant("split_heads", "reshape-permute")
def split_by_reshape(x, num_heads):
    batch, seq, d_model = x.size()
    if d_model % num_heads:
        raise ValueError(f"num_heads={num_heads} does not divide d_model={d_model}")
    return x.reshape(batch, seq, num_heads, -1).permute(0, 2, 1, 3)


@variant("split_heads", "unflatten")
def split_by_unflatten(x, num_heads):
    if x.shape[-1] % num_heads != 0:
        raise ValueError("cannot split d_model = " + str(x.shape[-1]) + " into num_heads = " + str(num_heads))
    return x.unflatten(-1, (num_heads, x.shape[-1] // num_heads)).transpose(-3, -2).contiguous()


@variant("split_heads", "chunks")
def split_by_chunks(x, num_heads):
    d_head, rest = divmod(x.shape[2], num_heads)
    if rest != 0:
        raise ValueError(f"{num_heads=} must divide the {x.shape[2]} features of x")
    return torch.stack(x.split(d_head, dim=-1), dim=1)


@variant("split_heads", "loop")
def split_by_loop(x, num_heads):
    batch, seq, d_model = x.shape
    d_head = d_model // num_heads
    if d_head * num_heads != d_model:
        raise ValueError(f"d_model ({d_model}) is no multiple of num_heads ({num_heads})")
    heads = x.new_empty(batch, num_heads, seq, d_head)
    for head in range(num_heads):
        heads[:, head] = x[:, :, head * d_head : (head + 1) * d_head]
    return heads


@variant("split_heads", "einsum")
def split_by_einsum(x, num_heads):
    d_model = x.shape[-1]
    if d_model % num_heads:
        raise ValueError(f"num_heads: {num_heads} is not a divisor of {d_model}")
    eye = torch.eye(d_model, dtype=x.dtype, device=x.device).view(d_model, num_heads, d_model // num_heads)
    return torch.einsum("bsm,mhd->bhsd", x, eye)


@variant("split_heads", "gather")
def split_by_index(x, num_heads):
    d_model = x.shape[-1]
    if d_model % num_heads:
        raise ValueError(f"x has {d_model} features, which num_heads={num_heads} does not divide")
    features = torch.arange(d_model, device=x.device).view(num_heads, 1, d_model // num_heads)
    positions = torch.arange(x.shape[1], device=x.device).view(1, -1, 1)
    return x[:, positions, features]


# merge_heads


@variant("merge_heads", "reshape")
def merge_by_reshape(x):
    batch, num_heads, seq, d_head = x.shape
    return x.permute(0, 2, 1, 3).reshape(batch, seq, num_heads * d_head)


@variant("merge_heads", "contiguous-view")
def merge_by_view(x):
    b, h, s, d = x.size()
    return x.transpose(1, 2).contiguous().view(b, s, h * d)


@variant("merge_heads", "concatenate")
def merge_by_cat(x):
    return torch.cat([x[:, head] for head in range(x.shape[1])], dim=-1)


@variant("merge_heads", "unbind")
def merge_by_unbind(x):
    return torch.concat(x.unbind(dim=1), 2)


@variant("merge_heads", "loop")
def merge_by_loop(x):
    batch, num_heads, seq, d_head = x.shape
    merged = torch.zeros(batch, seq, num_heads * d_head, dtype=x.dtype, device=x.device)
    for feature in range(num_heads * d_head):
        merged[:, :, feature] = x[:, feature // d_head, :, feature % d_head]
    return merged


@variant("merge_heads", "einsum")
def merge_by_einsum(x):
    return torch.einsum("bhsd->bshd", x).flatten(start_dim=2)


# MultiHeadAttention


def _refuse(d_model, num_heads):
    if d_model % num_heads != 0:
        raise ValueError(f"d_model={d_model} must be divisible by num_heads={num_heads}")


@variant("MultiHeadAttention", "einsum")
class EinsumHeads(nn.Module):
    """All heads at once by einsum; -inf before the softmax, NaN turned to 0 by `where` on both sides."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        _refuse(d_model, num_heads)
        super().__init__()
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, d_model)
        self.w_v = nn.Linear(d_model, d_model)
        self.w_o = nn.Linear(d_model, d_model)
        self.num_heads, self.p = num_heads, dropout

    def forward(self, query, key, value, mask=None):
        q, k, v = (
            w(x).unflatten(-1, (self.num_heads, -1))
            for w, x in ((self.w_q, query), (self.w_k, key), (self.w_v, value))
        )
        scores = torch.einsum("bqhd,bkhd->bhqk", q, k) / math.sqrt(q.shape[-1])
        if mask is not None:
            mask = mask[..., None, :, :]
            sees = mask.any(-1, keepdim=True)
            scores = scores.masked_fill(~mask & sees, float("-inf"))
        weights = torch.softmax(scores, dim=-1)
        if mask is not None:
            weights = weights * sees
        used = F.dropout(weights, self.p, self.training)
        output = torch.einsum("bhqk,bkhd->bqhd", used, v)
        return self.w_o(output.flatten(2)), weights


@variant("MultiHeadAttention", "loop-over-heads")
class LoopHeads(nn.Module):
    """One head after the other, each on its own slice; the lowest number as fill, zeroed afterwards."""

    def __init__(self, d_model: int, num_heads: int, dropout: float = 0.0) -> None:
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"num_heads must divide d_model, not {num_heads=} and {d_model=}")
        self.d_head = d_model // num_heads
        for name in ("w_q", "w_k", "w_v", "w_o"):
            self.add_module(name, nn.Linear(d_model, d_model))
        self.drop = nn.Dropout(p=dropout)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.w_q(query), self.w_k(key), self.w_v(value)
        if mask is not None and mask.dim() == 2:
            mask = mask.unsqueeze(0)
        outputs, all_weights = [], []
        for start in range(0, q.size(-1), self.d_head):
            part = slice(start, start + self.d_head)
            scores = q[..., part] @ k[..., part].mT * self.d_head**-0.5
            if mask is not None:
                scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
            weights = scores.softmax(-1)
            if mask is not None:
                weights = weights.masked_fill(~mask, 0.0)
            outputs.append(self.drop(weights).bmm(v[..., part]))
            all_weights.append(weights)
        return self.w_o(torch.cat(outputs, -1)), torch.stack(all_weights, 1)


@variant("MultiHeadAttention", "heads-in-the-batch")
class BatchedHeads(nn.Module):
    """Heads folded into the batch, an additive mask, `baddbmm`, and a softmax written out."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        if d_model // num_heads * num_heads != d_model:
            raise ValueError(f"d_model={d_model} is not a multiple of num_heads={num_heads}")
        self.d_model, self.h, self.d_k = d_model, num_heads, d_model // num_heads
        self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))
        self.dropout = nn.Dropout(dropout)

    def fold(self, x):
        batch, seq, _ = x.shape
        return x.view(batch, seq, self.h, self.d_k).transpose(1, 2).reshape(batch * self.h, seq, self.d_k)

    def forward(self, query, key, value, mask=None):
        batch, q_len, k_len = query.shape[0], query.shape[1], key.shape[1]
        q, k, v = self.fold(self.w_q(query)), self.fold(self.w_k(key)), self.fold(self.w_v(value))
        scores = torch.bmm(q / self.d_k**0.5, k.transpose(1, 2))
        allowed = torch.ones(batch, q_len, k_len, dtype=torch.bool, device=q.device)
        if mask is not None:
            allowed = allowed & mask
        allowed = allowed.repeat_interleave(self.h, dim=0)
        scores = scores.masked_fill(~allowed, -1e9)
        exponentials = (scores - scores.amax(-1, keepdim=True)).exp() * allowed
        total = exponentials.sum(-1, keepdim=True)
        weights = exponentials / total.clamp(min=1e-30)
        output = torch.bmm(self.dropout(weights), v).view(batch, self.h, q_len, self.d_k)
        output = output.permute(0, 2, 1, 3).contiguous().view(batch, q_len, self.d_model)
        return self.w_o(output), weights.view(batch, self.h, q_len, k_len)


@variant("MultiHeadAttention", "formula")
class FormulaHeads(nn.Module):
    """The paper's formula: a projection and an output slice for each head, the head outputs added up."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"d_model={d_model} does not split into num_heads={num_heads}: choose a divisor")
        self.w_q, self.w_k = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.w_v, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.num_heads = num_heads
        self.dropout = dropout

    def forward(self, query, key, value, mask=None):
        size = self.w_q.in_features // self.num_heads
        output, heads = self.w_o.bias, []
        for head in range(self.num_heads):
            rows = slice(head * size, (head + 1) * size)
            q = query @ self.w_q.weight[rows].T + self.w_q.bias[rows]
            k = key @ self.w_k.weight[rows].T + self.w_k.bias[rows]
            v = value @ self.w_v.weight[rows].T + self.w_v.bias[rows]
            weights = self.look(q, k, mask)
            kept = weights
            if self.training and self.dropout > 0:
                kept = weights * (torch.rand_like(weights) >= self.dropout) / (1 - self.dropout)
            output = output + kept @ v @ self.w_o.weight[:, rows].T
            heads.append(weights.unsqueeze(1))
        return output, torch.cat(heads, dim=1)

    @staticmethod
    def look(q, k, mask):
        scores = q @ k.transpose(1, 2) / q.shape[-1] ** 0.5
        if mask is None:
            return F.softmax(scores, dim=-1)
        mask = mask.expand(scores.shape)
        blind = ~mask.any(dim=-1, keepdim=True)
        scores = scores.masked_fill(~mask, float("-inf")).masked_fill(blind, 0.0)
        return F.softmax(scores, dim=-1).masked_fill(blind, 0.0)


@variant("MultiHeadAttention", "buffer-and-list")
class ListedWeights(nn.Module):
    """Returns a list, keeps a non-persistent buffer and its last weights; `F.linear` by hand."""

    def __init__(self, d_model, num_heads, dropout=0.0):
        super().__init__()
        if d_model % num_heads != 0:
            raise ValueError(f"{d_model=} is not divisible by {num_heads=}")
        self.num_heads, self.d_head = num_heads, d_model // num_heads
        self.register_buffer("scale", torch.tensor(float(self.d_head)).rsqrt(), persistent=False)
        self.attention_dropout = nn.Dropout(dropout)
        self.w_o = nn.Linear(d_model, d_model, bias=True)
        self.w_v = nn.Linear(d_model, d_model, bias=True)
        self.w_k = nn.Linear(d_model, d_model, bias=True)
        self.w_q = nn.Linear(d_model, d_model, bias=True)
        self.last = None

    def heads(self, layer, x):
        return torch.stack(F.linear(x, layer.weight, layer.bias).split(self.d_head, -1), 1)

    def forward(self, query, key, value, mask=None):
        q, k, v = self.heads(self.w_q, query), self.heads(self.w_k, key), self.heads(self.w_v, value)
        scores = (q * (1 / self.d_head**0.5)) @ k.transpose(-1, -2)
        if mask is not None:
            while mask.dim() < 3:
                mask = mask[None]
            forbidden = mask.logical_not()[:, None].expand_as(scores)
            scores = scores.clone()
            scores[forbidden] = -torch.inf
            weights = torch.softmax(scores.nan_to_num(neginf=-1e30), -1) * forbidden.logical_not()
        else:
            weights = torch.softmax(scores, -1)
        self.last = weights.detach()
        merged = torch.cat(list((self.attention_dropout(weights) @ v).unbind(1)), -1)
        return [self.w_o(merged), weights]


# GroupedQueryAttention


def _refuse_groups(d_model, num_heads, num_kv_heads):
    _refuse(d_model, num_heads)
    if num_heads % num_kv_heads != 0:
        raise ValueError(f"num_heads={num_heads} must be divisible by num_kv_heads={num_kv_heads}")


def _weights(scores, mask):
    if mask is None:
        return scores.softmax(-1)
    return scores.masked_fill(~mask, -1e30).softmax(-1) * mask


@variant("GroupedQueryAttention", "grouped-einsum")
class GroupedEinsum(nn.Module):
    """The queries get a group axis, the keys are never copied."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        _refuse_groups(d_model, num_heads, num_kv_heads)
        self.groups, self.shared, self.d_head = num_kv_heads, num_heads // num_kv_heads, d_model // num_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, num_kv_heads * self.d_head)
        self.w_v = nn.Linear(d_model, num_kv_heads * self.d_head)
        self.w_o = nn.Linear(d_model, d_model)

    def forward(self, query, key, value, mask=None):
        q = self.w_q(query).unflatten(-1, (self.groups, self.shared, self.d_head))
        k = self.w_k(key).unflatten(-1, (self.groups, self.d_head))
        v = self.w_v(value).unflatten(-1, (self.groups, self.d_head))
        scores = torch.einsum("bqgrd,bkgd->bgrqk", q, k) / self.d_head**0.5
        weights = _weights(scores, None if mask is None else mask[..., None, None, :, :])
        output = torch.einsum("bgrqk,bkgd->bqgrd", weights, v).flatten(2)
        return self.w_o(output), weights.flatten(1, 2)


@variant("GroupedQueryAttention", "loop")
class GroupedLoop(nn.Module):
    """Head by head; head h reads key/value head h // r."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        if d_model % num_heads:
            raise ValueError(f"d_model {d_model} cannot be cut into num_heads {num_heads}")
        if num_heads % num_kv_heads:
            raise ValueError(f"num_heads {num_heads} cannot be shared by num_kv_heads {num_kv_heads}")
        self.num_heads, self.num_kv_heads, self.size = num_heads, num_kv_heads, d_model // num_heads
        self.w_q, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.w_k, self.w_v = (nn.Linear(d_model, num_kv_heads * self.size) for _ in range(2))

    def forward(self, query, key, value, mask=None):
        q = self.w_q(query).split(self.size, -1)
        k, v = self.w_k(key).split(self.size, -1), self.w_v(value).split(self.size, -1)
        outputs, rows = [], []
        for head in range(self.num_heads):
            group = head * self.num_kv_heads // self.num_heads
            weights = _weights(q[head] @ k[group].mT / math.sqrt(self.size), mask)
            outputs.append(weights @ v[group])
            rows.append(weights)
        return self.w_o(torch.cat(outputs, -1)), torch.stack(rows, dim=1)


@variant("GroupedQueryAttention", "expand")
class GroupedExpand(nn.Module):
    """Keys and values expanded along a group axis, as in Llama's code."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        _refuse_groups(d_model, num_heads, num_kv_heads)
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        self.head_dim = d_model // num_heads
        self.n_rep = num_heads // num_kv_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, num_kv_heads * self.head_dim)
        self.w_v = nn.Linear(d_model, num_kv_heads * self.head_dim)
        self.w_o = nn.Linear(d_model, d_model)

    def repeat_kv(self, x):
        batch, heads, seq, size = x.shape
        x = x[:, :, None].expand(batch, heads, self.n_rep, seq, size)
        return x.reshape(batch, heads * self.n_rep, seq, size)

    def forward(self, query, key, value, mask=None):
        batch = query.size(0)
        q = self.w_q(query).view(batch, -1, self.num_heads, self.head_dim).transpose(1, 2)
        k = self.w_k(key).view(batch, -1, self.num_kv_heads, self.head_dim).transpose(1, 2)
        v = self.w_v(value).view(batch, -1, self.num_kv_heads, self.head_dim).transpose(1, 2)
        k, v = self.repeat_kv(k), self.repeat_kv(v)
        mask = None if mask is None else mask.unsqueeze(-3)
        weights = _weights(q @ k.transpose(2, 3) * self.head_dim**-0.5, mask)
        return self.w_o((weights @ v).transpose(1, 2).flatten(2)), weights


@variant("GroupedQueryAttention", "index")
class GroupedIndex(nn.Module):
    """An index of key/value heads, one entry for each query head."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        if d_model % num_heads != 0 or num_heads % num_kv_heads != 0:
            raise ValueError(f"bad sizes: {d_model=}, {num_heads=}, {num_kv_heads=}")
        super().__init__()
        d_head = d_model // num_heads
        self.num_heads = num_heads
        self.of_query_head = [head // (num_heads // num_kv_heads) for head in range(num_heads)]
        self.num_kv_heads = num_kv_heads
        self.w_q = nn.Linear(d_model, d_model)
        self.w_k = nn.Linear(d_model, num_kv_heads * d_head)
        self.w_v = nn.Linear(d_model, num_kv_heads * d_head)
        self.w_o = nn.Linear(d_model, d_model)

    def forward(self, query, key, value, mask=None):
        q = torch.stack(self.w_q(query).chunk(self.num_heads, -1), 1)
        k = torch.stack(self.w_k(key).chunk(self.num_kv_heads, -1), 1)[:, self.of_query_head]
        v = torch.stack(self.w_v(value).chunk(self.num_kv_heads, -1), 1)[:, self.of_query_head]
        scores = q @ k.mT / math.sqrt(q.shape[-1])
        weights = _weights(scores, None if mask is None else mask.unsqueeze(-3))
        return self.w_o(torch.cat((weights @ v).unbind(1), dim=-1)), weights


@variant("GroupedQueryAttention", "repeated-weights")
class GroupedRepeatedWeights(nn.Module):
    """The rows of w_k and w_v are repeated instead of what they make."""

    def __init__(self, d_model, num_heads, num_kv_heads):
        super().__init__()
        _refuse_groups(d_model, num_heads, num_kv_heads)
        self.num_heads, self.num_kv_heads = num_heads, num_kv_heads
        kv = d_model // num_heads * num_kv_heads
        self.w_q, self.w_o = nn.Linear(d_model, d_model), nn.Linear(d_model, d_model)
        self.w_k, self.w_v = nn.Linear(d_model, kv), nn.Linear(d_model, kv)

    def wide(self, layer, x):
        rows = self.num_heads // self.num_kv_heads
        weight = layer.weight.unflatten(0, (self.num_kv_heads, -1))
        weight = weight.repeat_interleave(rows, dim=0).flatten(0, 1)
        bias = layer.bias.unflatten(0, (self.num_kv_heads, -1)).repeat_interleave(rows, dim=0).flatten()
        return F.linear(x, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)

    def forward(self, query, key, value, mask=None):
        q = self.w_q(query).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
        k, v = self.wide(self.w_k, key), self.wide(self.w_v, value)
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
        weights = _weights(scores, None if mask is None else mask.unsqueeze(-3))
        return self.w_o((weights @ v).transpose(1, 2).flatten(start_dim=2)), weights
