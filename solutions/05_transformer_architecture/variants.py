"""Right answers in other styles, which must all earn full points and no name."""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.framework.known_answers import edits, variant
from utils import reference

# LayerNorm

CENTRED, VARIANCE = "centred = x - x.mean(dim=-1, keepdim=True) →", "variance = centred.square().mean(dim=-1, keepdim=True) →"
NORMED, AFFINE = "centred / torch.sqrt(variance + self.eps) →", "normed * self.weight + self.bias →"
ONES = "self.weight = nn.Parameter(torch.ones(d_model)) → self.register_parameter('weight', nn.Parameter(torch.ones(d_model)))"
edits("LayerNorm", {
    "by-hand": {"solution": (
        f"{CENTRED} n = x.size(-1); centred = x - x.sum(dim=-1, keepdim=True) / n", f"{AFFINE} self.weight * normed + self.bias",
        f"{VARIANCE} variance = (centred * centred).sum(dim=-1, keepdim=True) / n",
    )},
    "rsqrt-correction": {"solution": (
        f"{CENTRED} variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)", VARIANCE, ONES,
        "self.eps = eps → self.epsilon = float(eps)", f"{NORMED} (x - mean) * (variance + self.epsilon).rsqrt()",
        f"{AFFINE} torch.addcmul(self.bias, normed, self.weight)",
    )},
    "standard-deviation": {"solution": (
        f"{CENTRED} mean, d_model = x.mean(-1)[..., None], x.shape[-1]",
        f"{VARIANCE} variance = x.var(-1, unbiased=True)[..., None] * (d_model - 1) / d_model if d_model > 1 else 0 * x",
        f"{NORMED} (x - mean) * (variance + self.eps) ** -0.5",
    )},
    "matrix": {"solution": (
        f"{VARIANCE} variance = torch.einsum('...d,...d->...', centred, centred) / x.shape[-1]",
        f"{CENTRED} centred = x @ self.centring.to(x)", f"{NORMED} centred / torch.sqrt(variance + self.eps).unsqueeze(-1)",
        "self.eps = → self.register_buffer('centring', torch.eye(d_model).double() - 1 / d_model, persistent=False); self.eps =",
    )},
    "functions": {"solution": (
        "def forward → @staticmethod\n    def moments(x):\n        mean = torch.mean(x, -1, True)\n"
        "        return mean, torch.mean(torch.square(x - mean), -1, True)\n\n    def forward", CENTRED,
        f"{VARIANCE} mean, variance = self.moments(x)",
        f"{NORMED} torch.div(torch.sub(x, mean), torch.pow(torch.add(variance, self.eps), 0.5))",
        f"{AFFINE} torch.add(torch.mul(normed, self.weight), self.bias)",
    )},
})  # fmt: skip

# FeedForward

DROPOUT, RELU = "self.dropout = nn.Dropout(dropout) →", "torch.relu(self.linear1(x)) →"
OUTPUT, RETURN = "return self.linear2(self.dropout(torch.relu(self.linear1(x)))) →", "\n        return"
edits("FeedForward", {
    "functional": {"solution": (
        f"{DROPOUT} self.p = dropout", "class → from torch.nn import functional as F\n\n\nclass",
        f"{OUTPUT} y = F.dropout(F.relu(F.linear(x, self.linear1.weight, self.linear1.bias)), self.p, training=self.training)"
        f"{RETURN} F.linear(y, self.linear2.weight, self.linear2.bias)",
    )},
    "clamp": {"solution": (
        "self.linear1 = nn.Linear(d_model, d_ff) →", f"{RELU} self.linear1(x).clamp(min=0.0)", "self.dropout( → self.drop(",
        f"{DROPOUT} self.linear1, self.drop = nn.Linear(d_model, d_ff), nn.Dropout(p=dropout)",
    )},
    "matrices": {"solution": (
        f"{OUTPUT} x = x @ self.linear1.weight.mT + self.linear1.bias{RETURN} "
        "self.dropout(torch.where(x > 0, x, torch.zeros_like(x))) @ self.linear2.weight.mT + self.linear2.bias"
    )},
    "by-position": {"solution": (
        f"{DROPOUT} self.noise = nn.Dropout(dropout); self.steps = [self.linear1, nn.ReLU(), self.noise, self.linear2]",
        f"{OUTPUT} rows = x.reshape(-1, x.shape[-1])\n        for step in self.steps:\n            "
        f"rows = [step(row) for row in rows]{RETURN} torch.stack(rows).reshape(x.shape)",
    )},
    "mask-by-hand": {"solution": (
        f"{DROPOUT} self.kept = 1 - dropout", f"{RELU} torch.maximum(self.linear1(x), x.new_zeros(()))",
        "self.dropout( → self.drop(", "def forward → def drop(self, x):\n        noise = "
        f"torch.bernoulli(torch.full_like(x, self.kept)) / max(self.kept, 1e-9){RETURN} "
        "x * noise if self.training and self.kept < 1 else x\n\n    def forward",
    )},
})  # fmt: skip


class Around(nn.Module):
    """The annotated transformer's way: a module that knows how to go round a sublayer."""

    def __init__(self, dropout, norm_first):
        super().__init__()
        self.dropout, self.norm_first = nn.Dropout(dropout), norm_first

    def forward(self, x, norm, sublayer):
        return self.dropout(sublayer(norm(x))) + x if self.norm_first else norm(self.dropout(sublayer(x)) + x)


class Encoder(nn.Module):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.feed_forward = reference.FeedForward(d_model, d_ff, dropout)
        self.norm1, self.norm2 = reference.LayerNorm(d_model), reference.LayerNorm(d_model)
        self.dropout, self.norm_first = nn.Dropout(dropout), norm_first

    def forward(self, x, mask=None):
        self.mask = mask
        x = self.around(x, self.norm1, lambda y: self.self_attention(y, y, y, mask=self.mask)[0])
        return self.around(x, self.norm2, self.feed_forward)


edits("EncoderBlock", {"branches": {"solution": (
    "self.dropout(found) → self.dropout1(found)", "self.dropout(self.feed_forward → self.dropout2(self.feed_forward",
    "self.norm_first = → self.dropout1, self.dropout2 = nn.Dropout(dropout), nn.Dropout(dropout); self.norm_first =",
)}})  # fmt: skip


@variant("EncoderBlock", "identity-norms")
class EncoderByIdentity(Encoder):
    def around(self, x, norm, sublayer):
        before, after = (norm, nn.Identity()) if self.norm_first else (nn.Identity(), norm)
        return after(x + F.dropout(sublayer(before(x)), self.dropout.p, self.training))


@variant("EncoderBlock", "wrapper-module")
class EncoderByWrapper(Encoder):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__(d_model, num_heads, d_ff, dropout)
        self.around = Around(dropout, norm_first)


@variant("EncoderBlock", "chosen-at-construction")
class EncoderByChoice(Encoder):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__(d_model, num_heads, d_ff, dropout)
        self.around = self.pre if norm_first else self.post

    def pre(self, x, norm, f):
        return torch.add(x, self.dropout(f(norm(x))))

    def post(self, x, norm, f):
        return norm(torch.add(x, self.dropout(f(x))))


@variant("EncoderBlock", "own-attention")
class EncoderWithPyTorchsKernel(nn.Module):
    """Calls `scaled_dot_product_attention`, which is allowed from this chapter on."""

    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__()
        self.self_attention = nn.ModuleDict({f"w_{part}": nn.Linear(d_model, d_model) for part in "qkvo"})
        self.feed_forward = nn.ModuleDict({"linear1": nn.Linear(d_model, d_ff), "linear2": nn.Linear(d_ff, d_model)})
        self.norm1, self.norm2 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.heads, self.dropout, self.norm_first = num_heads, nn.Dropout(dropout), norm_first

    def attend(self, x, mask):
        q, k, v = (self.self_attention[name](x).unflatten(-1, (self.heads, -1)).transpose(1, 2) for name in ("w_q", "w_k", "w_v"))
        rate = self.dropout.p if self.training else 0.0
        output = F.scaled_dot_product_attention(q, k, v, None if mask is None else mask.unsqueeze(-3), rate)
        return self.self_attention["w_o"](output.transpose(1, 2).flatten(2))

    def think(self, x):
        return self.feed_forward["linear2"](self.dropout(self.feed_forward["linear1"](x).relu()))

    def forward(self, x, mask=None):
        for norm, sublayer in ((self.norm1, lambda y: self.attend(y, mask)), (self.norm2, self.think)):
            x = x + self.dropout(sublayer(norm(x))) if self.norm_first else norm(x + self.dropout(sublayer(x)))
        return x


class Decoder(reference.EncoderBlock):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__(d_model, num_heads, d_ff, dropout, norm_first)
        self.cross_attention = reference.MultiHeadAttention(d_model, num_heads, dropout)
        self.norm3 = reference.LayerNorm(d_model)

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        x = self.around(x, self.norm1, lambda y: self.self_attention(y, y, y, self_mask)[0])
        x = self.around(x, self.norm2, lambda y: self.cross_attention(query=y, key=memory, value=memory, mask=memory_mask)[0])
        return self.around(x, self.norm3, self.feed_forward)


@variant("DecoderBlock", "branches")
class DecoderByBranches(Decoder):
    def forward(self, x, memory, self_mask=None, memory_mask=None):
        if self.norm_first:
            normed = self.norm1(x)
            found, _ = self.self_attention(normed, normed, normed, self_mask)
            x = x + self.dropout(found)
            x = x + self.dropout(self.cross_attention(self.norm2(x), memory, memory, memory_mask)[0])
            return x + self.dropout(self.feed_forward(self.norm3(x)))
        found, _ = self.self_attention(x, x, x, self_mask)
        x = self.norm1(x + self.dropout(found))
        x = self.norm2(x + self.dropout(self.cross_attention(x, memory, memory, memory_mask)[0]))
        return self.norm3(x + self.dropout(self.feed_forward(x)))


edits("DecoderBlock", {"loop": {"solution": (
    "def look(x):\n            return → look = lambda y:", "def read(x):\n            return → read = lambda y:",
    "attention(x, x, x → attention(y, y, y", "attention(x, memory → attention(y, memory",
    "LayerNorm(d_model), LayerNorm(d_model) → nn.LayerNorm(d_model), nn.LayerNorm(d_model)", "norm3 = → norm3 = nn.",
    "if self.norm_first:\n                x = x + self.dropout(sublayer(norm(x)))\n            else:\n                x = norm("
    " → x = x + self.dropout(sublayer(norm(x))) if self.norm_first else norm(",
)}})  # fmt: skip


@variant("DecoderBlock", "inherits-the-encoder")
class DecoderFromEncoder(Decoder):
    def around(self, x, norm, f):
        found = F.dropout(f(norm(x) if self.norm_first else x), self.dropout.p, self.training)
        return x + found if self.norm_first else norm(x + found)


@variant("DecoderBlock", "wrapper-module")
class DecoderByWrapper(Decoder):
    def __init__(self, d_model, num_heads, d_ff, dropout=0.0, norm_first=False):
        super().__init__(d_model, num_heads, d_ff, dropout)
        self.around = Around(dropout, norm_first)


@variant("DecoderBlock", "sums-by-hand")
class DecoderBySums(Decoder):
    def read(self, stream, norm):
        return norm(stream) if self.norm_first else stream

    def write(self, stream, norm, found):
        stream = stream + self.dropout(found)
        return stream if self.norm_first else norm(stream)

    def forward(self, x, memory, self_mask=None, memory_mask=None):
        seen = self.read(x, self.norm1)
        x = self.write(x, self.norm1, self.self_attention(seen, seen, seen, self_mask)[0])
        x = self.write(x, self.norm2, self.cross_attention(self.read(x, self.norm2), memory, memory, memory_mask)[0])
        return self.write(x, self.norm3, self.feed_forward(self.read(x, self.norm3)))


# RMSNorm

SQUARE, ROOT = "x.square().mean(dim=-1, keepdim=True) →", "torch.sqrt(square + self.eps) →"
RESULT = "x / torch.sqrt(square + self.eps) * self.weight →"
edits("RMSNorm", {
    "root": {"solution": ("x.square() → (x**2)", f"{RESULT} self.weight * (x / torch.sqrt(square + self.eps))")},
    "norm": {"solution": (f"{SQUARE} torch.linalg.vecdot(x, x)[..., None] / x.shape[-1]", f"{ROOT} (square + self.eps).sqrt()")},
    "einsum": {"solution": (
        f"{SQUARE} torch.einsum('...i,...i->...', x, x) / x.size(-1)", ONES,
        f"{RESULT} torch.einsum('...i,...,i->...i', x, (square + self.eps) ** -0.5, self.weight)",
    )},
    "llama": {"solution": (
        "def forward → def norm", "x.square() → x.pow(2)", f"{RESULT} x * torch.rsqrt(square + self.eps)\n\n"
        "    def forward(self, x):\n        return self.norm(x).type_as(x) * self.weight",
    )},
    "variance-and-mean": {"solution": (
        f"square = {SQUARE} variance, mean = torch.var_mean(x, dim=-1, correction=0, keepdim=True)",
        f"{ROOT} (variance + mean.square() + self.eps).sqrt()",
    )},
})  # fmt: skip

# SwiGLU

GATE, HIDDEN = "nn.functional.silu(self.w_gate(x)) →", "nn.functional.silu(self.w_gate(x)) * self.w_up(x)) →"
BOTH, AND_THEN = "return self.w_down( → gate, up = ", "\n        return self.w_down("
edits("SwiGLU", {
    "sigmoid": {"solution": f"{GATE} (gate := self.w_gate(x)) * torch.sigmoid(gate)"},
    "one-product": {"solution": (
        f"{BOTH}nn.functional.linear(x, torch.cat([self.w_gate.weight, self.w_up.weight])).chunk(2, dim=-1){AND_THEN}",
        f"{HIDDEN} nn.functional.silu(gate).mul(up))",
    )},
    "matrices": {"solution": (
        f"{BOTH}x @ self.w_gate.weight.T, x @ self.w_up.weight.T{AND_THEN}", "bias=False → False",
        f"self.w_down({HIDDEN} (gate / (1 + torch.exp(-gate)) * up) @ self.w_down.weight.T",
    )},
    "module-activation": {"solution": (
        "self.w_up = nn.Linear(d_model, d_ff, bias=False) → self.add_module('w_up', nn.Linear(d_model, d_ff, bias=False))",
        "self.w_down = → self.act = nn.SiLU(); self.w_down =", f"{HIDDEN} torch.mul(self.w_up(x), self.act(self.w_gate(x))))",
    )},
    "einsum": {"solution": (
        f"{BOTH}(torch.einsum('...d,fd->...f', x, layer.weight) for layer in (self.w_gate, self.w_up)){AND_THEN}",
        f"self.w_down({HIDDEN} torch.einsum('...f,df->...d', gate * 0.5 * (1 + torch.tanh(gate * 0.5)) * up, self.w_down.weight)",
    )},
})  # fmt: skip
