"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.framework.known_answers import variant
from utils import reference

# LayerNorm


@variant("LayerNorm", "by-hand")
class NormByHand(nn.Module):
    """Sums instead of `mean` and `var`."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.bias = nn.Parameter(torch.zeros(d_model))
        self.eps = eps

    def forward(self, x):
        n = x.size(-1)
        centred = x - x.sum(dim=-1, keepdim=True) / n
        variance = (centred * centred).sum(dim=-1, keepdim=True) / n
        return self.weight * centred / torch.sqrt(variance + self.eps) + self.bias


@variant("LayerNorm", "rsqrt-correction")
class NormByRsqrt(nn.Module):
    """`var_mean` in one call, and one fused multiplication."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.register_parameter("bias", nn.Parameter(torch.zeros(d_model)))
        self.register_parameter("weight", nn.Parameter(torch.ones(d_model)))
        self.epsilon = float(eps)

    def forward(self, x):
        var, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return torch.addcmul(self.bias, (x - mean) * (var + self.epsilon).rsqrt(), self.weight)


@variant("LayerNorm", "standard-deviation")
class NormByStd(nn.Module):
    """From the biased standard deviation, squared so that eps stands under the root."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d_model)), nn.Parameter(torch.zeros(d_model))
        self.d_model, self.eps = d_model, eps

    def forward(self, x):
        mean, variance = x.mean(-1), x.var(-1, unbiased=True) if self.d_model > 1 else torch.zeros_like(x[..., 0])
        variance = variance * (self.d_model - 1) / self.d_model
        scale = (variance + self.eps) ** -0.5
        return (x - mean[..., None]) * scale[..., None] * self.weight + self.bias


@variant("LayerNorm", "matrix")
class NormByMatrix(nn.Module):
    """Centring as a matrix product, with a buffer that is no part of the state."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.weight = nn.Parameter(torch.full((d_model,), 1.0))
        self.bias = nn.Parameter(torch.full((d_model,), 0.0))
        self.register_buffer("centring", torch.eye(d_model, dtype=torch.float64) - 1 / d_model, persistent=False)
        self.eps = eps

    def forward(self, x):
        centred = x @ self.centring.to(x)
        power = torch.einsum("...d,...d->...", centred, centred) / x.shape[-1]
        return centred / (power + self.eps).sqrt().unsqueeze(-1) * self.weight + self.bias


@variant("LayerNorm", "functions")
class NormOfFunctions(nn.Module):
    """Two helpers, the eps added in the middle of a power."""

    def __init__(self, d_model, eps=1e-5):
        super().__init__()
        self.bias, self.weight = nn.Parameter(torch.zeros(d_model)), nn.Parameter(torch.ones(d_model))
        self.eps = eps

    @staticmethod
    def moments(x):
        mean = torch.mean(x, -1, True)
        return mean, torch.mean(torch.square(x - mean), -1, True)

    def normalise(self, x):
        mean, variance = self.moments(x)
        return torch.div(torch.sub(x, mean), torch.pow(torch.add(variance, self.eps), 0.5))

    def forward(self, x):
        return torch.add(torch.mul(self.normalise(x), self.weight), self.bias)


# FeedForward


@variant("FeedForward", "functional")
class ForwardByFunctions(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear1 = nn.Linear(d_model, d_ff)
        self.linear2 = nn.Linear(d_ff, d_model)
        self.p = dropout

    def forward(self, x):
        hidden = F.relu(F.linear(x, self.linear1.weight, self.linear1.bias))
        hidden = F.dropout(hidden, self.p, training=self.training)
        return F.linear(hidden, self.linear2.weight, self.linear2.bias)


@variant("FeedForward", "clamp")
class ForwardByClamp(nn.Module):
    """max(0, ·) as the paper writes it; the layers are made in the other order."""

    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear2 = nn.Linear(d_ff, d_model)
        self.linear1 = nn.Linear(d_model, d_ff)
        self.drop = nn.Dropout(p=dropout)

    def forward(self, x):
        return self.linear2(self.drop(self.linear1(x).clamp(min=0.0)))


@variant("FeedForward", "matrices")
class ForwardByMatrices(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        hidden = x @ self.linear1.weight.mT + self.linear1.bias
        hidden = torch.where(hidden > 0, hidden, torch.zeros_like(hidden))
        return self.dropout(hidden) @ self.linear2.weight.mT + self.linear2.bias


@variant("FeedForward", "by-position")
class ForwardByPosition(nn.Module):
    """A loop over the positions, which know nothing of each other."""

    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.steps = [self.linear1, nn.ReLU(), nn.Dropout(dropout), self.linear2]
        self.noise = self.steps[2]

    def each(self, x):
        for step in self.steps:
            x = step(x)
        return x

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        return torch.stack([self.each(row) for row in rows]).reshape(x.shape)


@variant("FeedForward", "mask-by-hand")
class ForwardWithOwnDropout(nn.Module):
    def __init__(self, d_model, d_ff, dropout=0.0):
        super().__init__()
        self.linear1, self.linear2 = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.kept = 1 - dropout

    def forward(self, x):
        hidden = torch.maximum(self.linear1(x), x.new_zeros(()))
        if self.training and self.kept < 1:
            hidden = hidden * torch.bernoulli(torch.full_like(hidden, self.kept)) / max(self.kept, 1e-9)
        return self.linear2(hidden)


# EncoderBlock


@variant("EncoderBlock", "branches")
class EncoderByBranches(nn.Module):
    """Both orders written out."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = reference.LayerNorm(d_model), reference.LayerNorm(d_model)
        self.dropout1, self.dropout2 = nn.Dropout(dropout), nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x, mask=None):
        if self.norm_first:
            normed = self.norm1(x)
            x = x + self.dropout1(self.self_attention(normed, normed, normed, mask)[0])
            return x + self.dropout2(self.feed_forward(self.norm2(x)))
        attended, _ = self.self_attention(x, x, x, mask)
        x = self.norm1(x + self.dropout1(attended))
        return self.norm2(x + self.dropout2(self.feed_forward(x)))


@variant("EncoderBlock", "identity-norms")
class EncoderByIdentity(nn.Module):
    """One formula for both orders: a norm before or after, the other one does nothing."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm2, self.norm1 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout=dropout)
        self.rate, self.first = dropout, norm_first

    def around(self, x, norm, sublayer):
        before, after = (norm, nn.Identity()) if self.first else (nn.Identity(), norm)
        return after(x + F.dropout(sublayer(before(x)), self.rate, self.training))

    def forward(self, x, mask=None):
        x = self.around(x, self.norm1, lambda y: self.self_attention(y, y, y, mask=mask)[0])
        return self.around(x, self.norm2, self.feed_forward)


class _Around(nn.Module):
    """A residual connection without parameters."""

    def __init__(self, dropout, norm_first):
        super().__init__()
        self.dropout, self.norm_first = nn.Dropout(dropout), norm_first

    def forward(self, x, norm, sublayer):
        if not self.norm_first:
            return norm(self.dropout(sublayer(x)) + x)
        return self.dropout(sublayer(norm(x))) + x


@variant("EncoderBlock", "wrapper-module")
class EncoderByWrapper(nn.Module):
    """The annotated transformer's way: a module that knows how to go round a sublayer."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = reference.LayerNorm(d_model), reference.LayerNorm(d_model)
        self.around = nn.ModuleList([_Around(dropout, norm_first), _Around(dropout, norm_first)])

    def attend(self, x):
        return self.self_attention(x, x, x, self.mask)[0]

    def forward(self, x, mask=None):
        self.mask = mask
        x = self.around[0](x, self.norm1, self.attend)
        return self.around[1](x, self.norm2, self.feed_forward)


@variant("EncoderBlock", "chosen-at-construction")
class EncoderByChoice(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        for name in ("norm1", "norm2"):
            self.add_module(name, reference.LayerNorm(d_model))
        self.add_module("self_attention", reference.MultiHeadAttention(d_model, num_heads, dropout))
        self.add_module("feed_forward", reference.FeedForward(d_model, d_ff, dropout))
        self.drop = nn.Dropout(dropout)
        self.sublayer = self._pre if norm_first else self._post

    def _pre(self, x, norm, f):
        return torch.add(x, self.drop(f(norm(x))))

    def _post(self, x, norm, f):
        return norm(torch.add(x, self.drop(f(x))))

    def forward(self, x, mask=None):
        def attention(y):
            result = self.self_attention(y, y, y, mask)
            return result[0]

        return self.sublayer(self.sublayer(x, self.norm1, attention), self.norm2, self.feed_forward)


@variant("EncoderBlock", "own-attention")
class EncoderWithPyTorchsKernel(nn.Module):
    """Calls `scaled_dot_product_attention`, which is allowed from this chapter on."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = nn.ModuleDict({f"w_{part}": nn.Linear(d_model, d_model) for part in "qkvo"})
        self.feed_forward = nn.ModuleDict({"linear1": nn.Linear(d_model, d_ff), "linear2": nn.Linear(d_ff, d_model)})
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.heads, self.p, self.norm_first = num_heads, dropout, norm_first

    def drop(self, x):
        return F.dropout(x, self.p, self.training)

    def attend(self, x, mask):
        part = self.self_attention
        q, k, v = (part[name](x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for name in ("w_q", "w_k", "w_v"))
        mask = None if mask is None else mask.unsqueeze(-3)
        output = F.scaled_dot_product_attention(q, k, v, mask, dropout_p=self.p if self.training else 0.0)
        return part["w_o"](output.transpose(1, 2).flatten(2))

    def think(self, x):
        return self.feed_forward["linear2"](self.drop(self.feed_forward["linear1"](x).relu()))

    def forward(self, x, mask=None):
        for norm, sublayer in ((self.norm1, lambda y: self.attend(y, mask)), (self.norm2, self.think)):
            x = x + self.drop(sublayer(norm(x))) if self.norm_first else norm(x + self.drop(sublayer(x)))
        return x


# DecoderBlock


@variant("DecoderBlock", "branches")
class DecoderByBranches(nn.Module):
    """Both orders written out."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2, self.norm3 = (
            reference.LayerNorm(d_model),
            reference.LayerNorm(d_model),
            reference.LayerNorm(d_model),
        )
        self.dropout1, self.dropout2, self.dropout3 = nn.Dropout(dropout), nn.Dropout(dropout), nn.Dropout(dropout)
        self.norm_first = norm_first

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        if self.norm_first:
            normed = self.norm1(x)
            x = x + self.dropout1(self.self_attention(normed, normed, normed, self_mask)[0])
            x = x + self.dropout2(self.cross_attention(self.norm2(x), memory, memory, memory_mask)[0])
            return x + self.dropout3(self.feed_forward(self.norm3(x)))
        x = self.norm1(x + self.dropout1(self.self_attention(x, x, x, self_mask)[0]))
        x = self.norm2(x + self.dropout2(self.cross_attention(x, memory, memory, memory_mask)[0]))
        return self.norm3(x + self.dropout3(self.feed_forward(x)))


@variant("DecoderBlock", "loop")
class DecoderByLoop(nn.Module):
    """A list of (norm, what it finds), gone through."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.norm_first, self.noise = norm_first, nn.Dropout(dropout)
        self.cross_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm3, self.norm2, self.norm1 = (nn.LayerNorm(d_model) for _ in range(3))

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        plan = [
            (self.norm1, lambda y: self.self_attention(y, y, y, self_mask)[0]),
            (self.norm2, lambda y: self.cross_attention(y, memory, memory, memory_mask)[0]),
            (self.norm3, self.feed_forward),
        ]
        for norm, find in plan:
            x = x + self.noise(find(norm(x))) if self.norm_first else norm(x + self.noise(find(x)))
        return x


@variant("DecoderBlock", "inherits-the-encoder")
class DecoderFromEncoder(reference.EncoderBlock):
    """Takes over the parts of the encoder's block and adds one attention and one norm."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first)
        self.cross_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.norm3 = reference.LayerNorm(d_model)
        self.first, self.rate = norm_first, dropout

    def around(self, x, norm, f):
        found = F.dropout(f(norm(x) if self.first else x), self.rate, self.training)
        return x + found if self.first else norm(x + found)

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        x = self.around(x, self.norm1, lambda y: self.self_attention(y, y, y, mask=self_mask)[0])
        x = self.around(x, self.norm2, lambda y: self.cross_attention(y, memory, memory, mask=memory_mask)[0])
        return self.around(x, self.norm3, self.feed_forward)


@variant("DecoderBlock", "wrapper-module")
class DecoderByWrapper(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.cross_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm1 = reference.LayerNorm(d_model)
        self.norm2 = reference.LayerNorm(d_model)
        self.norm3 = reference.LayerNorm(d_model)
        self.around = _Around(dropout, norm_first)

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        def look_back(y):
            return self.self_attention(y, y, y, self_mask)[0]

        def look_over(y):
            return self.cross_attention(query=y, key=memory, value=memory, mask=memory_mask)[0]

        for norm, sublayer in zip((self.norm1, self.norm2, self.norm3), (look_back, look_over, self.feed_forward), strict=True):
            x = self.around(x, norm, sublayer)
        return x


@variant("DecoderBlock", "sums-by-hand")
class DecoderBySums(nn.Module):
    """Keeps the running sum apart from what is read off it."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention, self.cross_attention = (reference.MultiHeadAttention(d_model, num_heads, dropout) for _ in range(2))
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2, self.norm3 = (reference.LayerNorm(d_model) for _ in range(3))
        self.d, self.pre = nn.Dropout(dropout), norm_first

    def read(self, stream, norm):
        return norm(stream) if self.pre else stream

    def write(self, stream, norm, found):
        stream = stream + self.d(found)
        return stream if self.pre else norm(stream)

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        seen = self.read(x, self.norm1)
        x = self.write(x, self.norm1, self.self_attention(seen, seen, seen, self_mask)[0])
        x = self.write(x, self.norm2, self.cross_attention(self.read(x, self.norm2), memory, memory, memory_mask)[0])
        return self.write(x, self.norm3, self.feed_forward(self.read(x, self.norm3)))


# RMSNorm


@variant("RMSNorm", "root")
class RootByRoot(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d_model))
        self.eps = eps

    def forward(self, x):
        return self.weight * (x / torch.sqrt((x**2).mean(dim=-1, keepdim=True) + self.eps))


@variant("RMSNorm", "norm")
class RootByNorm(nn.Module):
    """From the Euclidean norm of the vector."""

    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d_model)), eps

    def forward(self, x):
        power = torch.linalg.vecdot(x, x).unsqueeze(-1) / x.shape[-1]
        return x / (power + self.eps).sqrt() * self.weight


@variant("RMSNorm", "einsum")
class RootByEinsum(nn.Module):
    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.register_parameter("weight", nn.Parameter(torch.full((d_model,), 1.0)))

    def forward(self, x):
        inverse = (torch.einsum("...i,...i->...", x, x) / x.size(-1) + self.eps) ** -0.5
        return torch.einsum("...i,...,i->...i", x, inverse, self.weight)


@variant("RMSNorm", "llama")
class RootOfLlama(nn.Module):
    """As in Llama's code, but in the dtype that came in."""

    def __init__(self, d_model: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def _norm(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x):
        return self._norm(x).type_as(x) * self.weight


@variant("RMSNorm", "variance-and-mean")
class RootByMoments(nn.Module):
    """The mean square is the variance and the squared mean together."""

    def __init__(self, d_model, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d_model)), eps

    def forward(self, x):
        variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)
        return x / (variance + mean.square() + self.eps).sqrt() * self.weight


# SwiGLU


@variant("SwiGLU", "sigmoid")
class GatedBySigmoid(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_ff, bias=False)
        self.w_up = nn.Linear(d_model, d_ff, bias=False)
        self.w_down = nn.Linear(d_ff, d_model, bias=False)

    def forward(self, x):
        gate = self.w_gate(x)
        return self.w_down(gate * torch.sigmoid(gate) * self.w_up(x))


@variant("SwiGLU", "one-product")
class GatedByOneProduct(nn.Module):
    """Both branches in one matrix product, cut in two."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w_down = nn.Linear(d_ff, d_model, bias=False)
        self.w_up, self.w_gate = (nn.Linear(d_model, d_ff, bias=False) for _ in range(2))

    def forward(self, x):
        gate, up = F.linear(x, torch.cat([self.w_gate.weight, self.w_up.weight])).chunk(2, dim=-1)
        return self.w_down(F.silu(gate).mul(up))


@variant("SwiGLU", "matrices")
class GatedByMatrices(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w_gate, self.w_up = nn.Linear(d_model, d_ff, False), nn.Linear(d_model, d_ff, False)
        self.w_down = nn.Linear(d_ff, d_model, False)

    def forward(self, x):
        gate, up = x @ self.w_gate.weight.T, x @ self.w_up.weight.T
        return (gate / (1 + torch.exp(-gate)) * up) @ self.w_down.weight.T


@variant("SwiGLU", "module-activation")
class GatedByModule(nn.Module):
    def __init__(self, d_model, d_ff):
        super().__init__()
        for name, sizes in {"w_gate": (d_model, d_ff), "w_up": (d_model, d_ff), "w_down": (d_ff, d_model)}.items():
            self.add_module(name, nn.Linear(*sizes, bias=False))
        self.act = nn.SiLU()

    def forward(self, x):
        hidden = torch.mul(self.w_up(x), self.act(self.w_gate(x)))
        return self.w_down(hidden)


@variant("SwiGLU", "einsum")
class GatedByEinsum(nn.Module):
    """Sums over hidden units; the gate by a hyperbolic tangent."""

    def __init__(self, d_model, d_ff):
        super().__init__()
        self.w_gate = nn.Linear(d_model, d_ff, bias=False)
        self.w_up = nn.Linear(d_model, d_ff, bias=False)
        self.w_down = nn.Linear(d_ff, d_model, bias=False)
        self.half = math.pow(2, -1)

    def forward(self, x):
        gate = torch.einsum("...d,fd->...f", x, self.w_gate.weight)
        up = torch.einsum("...d,fd->...f", x, self.w_up.weight)
        gate = gate * self.half * (1 + torch.tanh(gate * self.half))
        return torch.einsum("...f,df->...d", gate * up, self.w_down.weight)
