"""Wrong answers to the exercises of chapter 03, by the catalogue id that names their mistake."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.misconceptions import misconception
from utils import reference

# create_look_ahead_mask


@misconception("create_look_ahead_mask", "uses-builtin")
def look_ahead_from_the_reference(seq_len):
    return reference.create_look_ahead_mask(seq_len)


@misconception("create_look_ahead_mask", "excludes-self")
def look_ahead_strictly_earlier(seq_len):
    positions = torch.arange(seq_len)
    return positions[None, :] < positions[:, None]


@misconception("create_look_ahead_mask", "mask-inverted")
def look_ahead_marks_the_forbidden(seq_len):
    return torch.triu(torch.ones(seq_len, seq_len), diagonal=1).bool()


@misconception("create_look_ahead_mask", "mask-inverted")
def look_ahead_transposed(seq_len):
    positions = torch.arange(seq_len)
    return positions[:, None] <= positions[None, :]


@misconception("create_look_ahead_mask", "sees-next")
def look_ahead_one_too_far(seq_len):
    return torch.ones(seq_len, seq_len, dtype=torch.bool).tril(diagonal=1)


@misconception("create_look_ahead_mask", "not-boolean")
def look_ahead_of_floats(seq_len):
    return torch.tril(torch.ones(seq_len, seq_len))


@misconception("create_look_ahead_mask", "not-boolean")
def look_ahead_of_integers(seq_len):
    return torch.tril(torch.ones(seq_len, seq_len, dtype=torch.long))


@misconception("create_look_ahead_mask", "not-boolean")
def look_ahead_to_be_added(seq_len):
    return torch.full((seq_len, seq_len), -math.inf).triu(1)


@misconception("create_look_ahead_mask", "not-boolean")
def look_ahead_of_floats_inverted(seq_len):
    return 1 - torch.tril(torch.ones(seq_len, seq_len))


# create_padding_mask


@misconception("create_padding_mask", "uses-builtin")
def padding_from_the_reference(tokens, pad_id):
    return reference.create_padding_mask(tokens, pad_id)


@misconception("create_padding_mask", "changes-input")
def padding_in_place(tokens, pad_id):
    return tokens.ne_(pad_id).bool().unsqueeze(1)


@misconception("create_padding_mask", "mask-inverted")
def padding_marks_the_pads(tokens, pad_id):
    return (tokens == pad_id).unsqueeze(1)


@misconception("create_padding_mask", "wrong-shape")
def padding_without_query_axis(tokens, pad_id):
    return tokens != pad_id


@misconception("create_padding_mask", "wrong-shape")
def padding_with_head_axis(tokens, pad_id):
    return (tokens != pad_id)[:, None, None, :]


@misconception("create_padding_mask", "wrong-shape")
def padding_along_the_queries(tokens, pad_id):
    return (tokens != pad_id).unsqueeze(-1)


@misconception("create_padding_mask", "wrong-shape")
def padding_of_pairs(tokens, pad_id):
    real = tokens != pad_id
    return real[:, :, None] & real[:, None, :]


@misconception("create_padding_mask", "wrong-shape")
def padding_expanded(tokens, pad_id):
    batch, seq = tokens.shape
    return (tokens != pad_id)[:, None, :].expand(batch, seq, seq)


@misconception("create_padding_mask", "not-boolean")
def padding_of_floats(tokens, pad_id):
    return (tokens != pad_id).float().unsqueeze(1)


@misconception("create_padding_mask", "not-boolean")
def padding_of_integers(tokens, pad_id):
    return (tokens != pad_id).long()[:, None, :]


@misconception("create_padding_mask", "not-boolean")
def padding_to_be_added(tokens, pad_id):
    return torch.zeros(tokens.shape).masked_fill(tokens == pad_id, -math.inf).unsqueeze(1)


# SelfAttention


class _Layer(nn.Module):
    """The right layer, which each wrong one below differs from in one place."""

    queries, keys, values = "w_q", "w_k", "w_v"

    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.d_model, self.d_k = d_model, d_k
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_k = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def project(self, x):
        return (getattr(self, name)(x) for name in (self.queries, self.keys, self.values))

    def scale(self):
        return math.sqrt(self.d_k)

    def forward(self, x, mask=None):
        q, k, v = self.project(x)
        scores = q @ k.transpose(-2, -1) / self.scale()
        if mask is None:
            weights = torch.softmax(scores, -1)
        else:
            weights = torch.softmax(scores.masked_fill(~mask, torch.finfo(x.dtype).min), -1) * mask
        return weights @ v, weights


@misconception("SelfAttention", "uses-builtin")
class CallsTheFusedKernel(_Layer):
    def forward(self, x, mask=None):
        q, k, v = self.project(x)
        _, weights = super().forward(x, mask)
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask), weights


@misconception("SelfAttention", "changes-input")
class ScalesTheInputInPlace(_Layer):
    def forward(self, x, mask=None):
        x /= self.d_k**0.25
        q, k, v = self.project(x)
        weights = reference.attention(q, k * self.d_k**0.5, v, mask=mask)[1]
        return weights @ v * self.d_k**0.25, weights


@misconception("SelfAttention", "not-differentiable")
class DetachesTheWeights(_Layer):
    def forward(self, x, mask=None):
        weights = super().forward(x, mask)[1].detach()
        return weights @ self.w_v(x), weights


@misconception("SelfAttention", "no-scale")
class LeavesTheScoresUnscaled(_Layer):
    def scale(self):
        return 1.0


@misconception("SelfAttention", "scale-by-d_model")
class ScalesByTheModelSize(_Layer):
    def scale(self):
        return math.sqrt(self.d_model)


@misconception("SelfAttention", "scale-by-d_model")
class DividesByTheModelSize(_Layer):
    def scale(self):
        return self.d_model


@misconception("SelfAttention", "mask-ignored")
class NeverUsesItsMask(_Layer):
    def forward(self, x, mask=None):
        return super().forward(x)


@misconception("SelfAttention", "shared-projection")
class OneProjectionForAll(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.w_q = nn.Linear(d_model, d_k, bias=False)

    def forward(self, x, mask=None):
        q = self.w_q(x)
        return reference.attention(q, q, q, mask=mask)


@misconception("SelfAttention", "shared-projection")
class OneNameMissing(nn.Module):
    def __init__(self, d_model, d_k, d_v):
        super().__init__()
        self.w_q = nn.Linear(d_model, d_k, bias=False)
        self.w_v = nn.Linear(d_model, d_v, bias=False)

    def forward(self, x, mask=None):
        q = self.w_q(x)
        return reference.attention(q, q, self.w_v(x), mask=mask)


@misconception("SelfAttention", "shared-projection")
class TiedQueriesAndKeys(_Layer):
    """Two names for one Parameter: the state has all names, and what was loaded last stands under both."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.w_k = self.w_q


@misconception("SelfAttention", "shared-projection")
class TiedWeights(_Layer):
    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.w_q.weight = self.w_k.weight


@misconception("SelfAttention", "shared-projection")
class TiedKeysAndValues(_Layer):
    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.w_v = self.w_k


@misconception("SelfAttention", "shared-projection")
class TiedAll(_Layer):
    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.w_q = self.w_k = self.w_v


@misconception("SelfAttention", "shared-projection")
class TiedWhereTheSizesAllow(_Layer):
    """Right while d_v is not d_k."""

    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        if d_k == d_v:
            self.w_v = self.w_k


# Three projections are made, and in forward one of them stands in for another.


@misconception("SelfAttention", "shared-projection")
class UsesQueryQueryValue(_Layer):
    keys = "w_q"


@misconception("SelfAttention", "shared-projection")
class UsesQueryKeyQuery(_Layer):
    values = "w_q"


@misconception("SelfAttention", "shared-projection")
class UsesQueryKeyKey(_Layer):
    values = "w_k"


@misconception("SelfAttention", "shared-projection")
class UsesQueryKeyQueryWhereTheSizesAllow(_Layer):
    def __init__(self, d_model, d_k, d_v):
        super().__init__(d_model, d_k, d_v)
        self.values = "w_q" if d_k == d_v else "w_v"


@misconception("SelfAttention", "shared-projection")
class UsesQueryValueValue(_Layer):
    keys = "w_v"


@misconception("SelfAttention", "shared-projection")
class UsesKeyKeyValue(_Layer):
    queries = "w_k"


@misconception("SelfAttention", "shared-projection")
class UsesValueKeyValue(_Layer):
    queries = "w_v"


@misconception("SelfAttention", "shared-projection")
class UsesQueryQueryQuery(_Layer):
    keys, values = "w_q", "w_q"


@misconception("SelfAttention", "shared-projection")
class UsesKeyKeyKey(_Layer):
    queries, values = "w_k", "w_k"


@misconception("SelfAttention", "shared-projection")
class UsesValueValueValue(_Layer):
    queries, keys = "w_v", "w_v"
