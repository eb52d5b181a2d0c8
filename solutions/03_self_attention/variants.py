"""Right answers in other styles, which must all earn full points and no name."""

import math

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from autograder.misconceptions import variant
from utils import reference

# create_look_ahead_mask


@variant("create_look_ahead_mask", "tril-of-booleans")
def look_ahead_tril(seq_len):
    return torch.ones(seq_len, seq_len, dtype=torch.bool).tril()


@variant("create_look_ahead_mask", "not-triu")
def look_ahead_not_triu(seq_len: int) -> torch.Tensor:
    future = torch.triu(torch.ones((seq_len, seq_len)), diagonal=1)
    return ~future.bool()


@variant("create_look_ahead_mask", "float-compared")
def look_ahead_compared(seq_len):
    return torch.tril(torch.ones(1, seq_len, seq_len)).eq(1)[0]


@variant("create_look_ahead_mask", "nested-lists")
def look_ahead_lists(seq_len):
    return torch.tensor([[j <= i for j in range(seq_len)] for i in range(seq_len)])


@variant("create_look_ahead_mask", "row-by-row")
def look_ahead_rows(seq_len):
    mask = torch.zeros(seq_len, seq_len, dtype=torch.bool)
    for i in range(seq_len):
        mask[i, : i + 1] = True
    return mask


@variant("create_look_ahead_mask", "cumulative-sum")
def look_ahead_cumsum(seq_len):
    return torch.eye(seq_len).cumsum(dim=0) > 0.5


@variant("create_look_ahead_mask", "additive-then-compared")
def look_ahead_from_additive(seq_len):
    return torch.full((seq_len, seq_len), float("-inf")).triu(1) == 0


@variant("create_look_ahead_mask", "numpy")
def look_ahead_numpy(seq_len):
    return torch.from_numpy(np.tri(seq_len, dtype=bool))


@variant("create_look_ahead_mask", "outer-comparison-transposed")
def look_ahead_outer(seq_len):
    row = torch.arange(seq_len).expand(seq_len, seq_len)
    return (row >= row.T).T


@variant("create_look_ahead_mask", "indices")
def look_ahead_indices(seq_len):
    mask = torch.full((seq_len, seq_len), False)
    rows, columns = torch.tril_indices(seq_len, seq_len)
    mask[rows, columns] = True
    return mask


# create_padding_mask


@variant("create_padding_mask", "unsqueeze")
def padding_unsqueeze(tokens, pad_id):
    return (tokens != pad_id).unsqueeze(1)


@variant("create_padding_mask", "logical-not")
def padding_not_equal(tokens, pad_id):
    is_pad = torch.eq(tokens, pad_id)
    return torch.logical_not(is_pad)[:, None]


@variant("create_padding_mask", "view")
def padding_view(tokens: torch.Tensor, pad_id: int) -> torch.Tensor:
    batch, seq = tokens.size()
    return tokens.ne(pad_id).view(batch, 1, seq)


@variant("create_padding_mask", "loop")
def padding_loop(tokens, pad_id):
    rows = [[[int(token) != pad_id for token in sentence]] for sentence in tokens]
    return torch.tensor(rows, device=tokens.device)


@variant("create_padding_mask", "filled")
def padding_filled(tokens, pad_id):
    mask = torch.ones_like(tokens, dtype=torch.bool)
    mask[tokens == pad_id] = False
    return mask.reshape(tokens.shape[0], 1, -1)


@variant("create_padding_mask", "difference")
def padding_difference(tokens, pad_id):
    return torch.stack([(sentence - pad_id).bool()[None] for sentence in tokens])


@variant("create_padding_mask", "where")
def padding_where(tokens, pad_id):
    return torch.where(tokens == pad_id, False, True)[:, None, :]


@variant("create_padding_mask", "isin")
def padding_isin(tokens, pad_id):
    return torch.isin(tokens, torch.tensor([pad_id], device=tokens.device), invert=True).unsqueeze(-2)


# SelfAttention


@variant("SelfAttention", "earlier-component")
class UsesAttention(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.w_v = nn.Linear(d_model, d_v, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_q = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        return reference.attention(self.w_q(x), self.w_k(x), self.w_v(x), mask)


def dot_product_attention(q, k, v, mask=None):
    scores = torch.matmul(q, k.mT) / math.sqrt(q.size(-1))
    if mask is None:
        weights = torch.softmax(scores, dim=-1)
        return weights.matmul(v), weights
    scores = scores.masked_fill(mask.logical_not(), -1e9)
    weights = F.softmax(scores, dim=-1).masked_fill(~mask, 0.0)
    return weights.matmul(v), weights


@variant("SelfAttention", "own-helper")
class UsesOwnHelper(nn.Module):
    def __init__(self, d_model: int, d_k: int, d_v: int):
        super().__init__()
        self.w_q, self.w_k = (nn.Linear(d_model, d_k, bias=False) for _ in range(2))
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        query, key, value = self.w_q(x), self.w_k(x), self.w_v(x)
        return list(dot_product_attention(query, key, value, mask))


@variant("SelfAttention", "einsum")
class Einsum(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        for name, size in {"w_q": d_k, "w_k": d_k, "w_v": d_v}.items():
            self.add_module(name, nn.Linear(d_model, size, bias=False))
        self.scale = d_k**-0.5

    def forward(self, x, mask=None):
        scores = torch.einsum("bid,bjd->bij", self.w_q(x) * self.scale, self.w_k(x))
        if mask is None:
            mask = torch.ones_like(scores, dtype=torch.bool)
        mask = mask.expand_as(scores)
        blind = ~mask.any(-1, keepdim=True)
        weights = scores.masked_fill(~(mask | blind), -torch.inf).softmax(-1) * mask
        return torch.einsum("bij,bjd->bid", weights, self.w_v(x)), weights


@variant("SelfAttention", "loops")
class OneQueryAtATime(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        batch, seq, _ = x.shape
        allowed = None if mask is None else mask.expand(batch, seq, seq)
        outputs, rows = [], []
        for b in range(batch):
            for i in range(seq):
                q, k, v = self.w_q(x[b, i]), self.w_k(x[b]), self.w_v(x[b])
                row = torch.zeros(seq, dtype=x.dtype, device=x.device)
                seen = torch.arange(seq) if allowed is None else allowed[b, i].nonzero().flatten()
                if len(seen):
                    scores = (k[seen] * q).sum(-1) / k.shape[-1] ** 0.5
                    row = row.index_put((seen,), scores.softmax(0))
                rows.append(row)
                outputs.append(row @ v)
        return torch.stack(outputs).view(batch, seq, -1), torch.stack(rows).view(batch, seq, seq)


@variant("SelfAttention", "one-product-for-all-projections")
class FusedProjection(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.sizes = [d_k, d_k, d_v]
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        together = torch.cat([self.w_q.weight, self.w_k.weight, self.w_v.weight])
        q, k, v = F.linear(x, together).split(self.sizes, dim=-1)
        scores = torch.bmm(q, k.transpose(1, 2)).div(self.sizes[0] ** 0.5)
        bias = torch.zeros_like(scores)
        if mask is not None:
            bias = bias.masked_fill(~mask, torch.finfo(x.dtype).min)
        weights = (scores + bias).softmax(-1)
        if mask is not None:
            weights = weights * mask.any(-1, keepdim=True)
        return torch.bmm(weights, v), weights


@variant("SelfAttention", "exponentials-by-hand")
class ExponentialsByHand(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.d_k = d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)
        self.dropout = nn.Dropout(0.0)

    def forward(self, x, mask=None):
        root = self.d_k**0.25
        scores = (self.w_q(x) / root) @ (self.w_k(x) / root).permute(0, 2, 1)
        powers = (scores - scores.amax(-1, keepdim=True).detach()).exp()
        if mask is not None:
            powers = powers * mask.to(powers.dtype)
        total = powers.sum(-1, keepdim=True)
        weights = self.dropout(powers / torch.where(total == 0, torch.ones_like(total), total))
        return weights @ self.w_v(x), weights


@variant("SelfAttention", "weights-applied-directly")
class RawWeights(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)
        for layer in self.children():
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x, mask=None):
        bilinear = self.w_q.weight.T @ self.w_k.weight / self.w_q.out_features**0.5
        scores = x @ bilinear @ x.transpose(-1, -2)
        weights = self.look(scores, mask)
        return (weights @ x) @ self.w_v.weight.T, weights

    @staticmethod
    def look(scores, mask):
        if mask is None:
            return scores.softmax(dim=-1)
        lowest = torch.finfo(scores.dtype).min
        return torch.where(mask, torch.where(mask, scores, lowest).softmax(dim=-1), 0.0)
