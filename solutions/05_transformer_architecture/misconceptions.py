"""The wrong answers of chapter 05, by catalogue id; the specific ones stand first."""

from autograder.framework.known_answers import edits

_REFERENCE = "from utils import reference; return reference"

_MEAN, _VARIANCE = "x.mean(dim=-1, keepdim=True) →", "centred.square().mean(dim=-1, keepdim=True) →"
_ROOT, _RETURN = "torch.sqrt(variance + self.eps) →", "return normed * self.weight + self.bias →"
_UNBIASED = f"{_VARIANCE} x.var(dim=-1, keepdim=True)"
_WEIGHT, _BIAS = "self.weight = nn.Parameter(torch.ones(d_model)) →", "self.bias = nn.Parameter(torch.zeros(d_model)) →"
_BY_COUNT = "centred).sum(dim=-1, keepdim=True) / n → centred).sum(dim=-1, keepdim=True) / (n - 1)"
_ROOT_PLUS = f"{_ROOT} (torch.sqrt(variance) + self.eps)"
_INHERITS = ("super().__init__() → super().__init__(d_model, eps)", "def forward → def by_hand")
edits("LayerNorm", {
    "uses-builtin": {"solution": [
        f"{_RETURN} return nn.functional.layer_norm(x, x.shape[-1:], self.weight, self.bias, self.eps)",
        ("self.eps = eps → self.norm = (nn.LayerNorm(d_model, eps=eps, elementwise_affine=False),)",
         "normed = centred / torch.sqrt(variance + self.eps) → normed = self.norm[0](x)"),
        ("(nn.Module) → (nn.LayerNorm)", *_INHERITS), f"{_RETURN} {_REFERENCE}.LayerNorm.forward(self, x)",
    ]},
    "not-differentiable": {"solution": [
        (f"{_MEAN} x.detach().mean(dim=-1, keepdim=True)", f"{_ROOT} torch.sqrt(variance.detach() + self.eps)"),
        "normed = → with torch.no_grad():\n            normed =",
        f"{_MEAN} torch.from_numpy(x.detach().numpy().mean(-1, keepdims=True))",
        (f"{_WEIGHT} self.register_buffer('weight', torch.ones(d_model))",
         f"{_BIAS} self.register_buffer('bias', torch.zeros(d_model))"),
    ]},
    "changes-input": {"solution": f"centred = x - {_MEAN} centred = x.sub_(x.mean(dim=-1, keepdim=True))"},
    "unbiased-variance": {
        "solution": [_UNBIASED, f"{_VARIANCE} x.std(dim=-1, keepdim=True) ** 2"],
        "by-hand": _BY_COUNT, "rsqrt-correction": ", correction=0 →", "standard-deviation": " * (d_model - 1) / d_model →",
    },
    "wrong-dimension": {"solution": [f"dim=-1 → dim={axes}" for axes in (
        "-2", "0", "(-2, -1)", "tuple(range(x.dim() - 1))", "tuple(range(x.dim()))",
    )]},
    "eps-outside-root": {
        "solution": [_ROOT_PLUS, f"{_ROOT} (x.std(dim=-1, unbiased=False, keepdim=True) + self.eps)",
                     f"{_ROOT} (centred.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5 + self.eps)"],
        "rsqrt-correction": "(variance + self.epsilon).rsqrt() → (variance.sqrt() + self.epsilon).reciprocal()",
    },
    "std-plus-eps": {
        "solution": [f"{_ROOT} (x.std(dim=-1, keepdim=True) + self.eps)", (_UNBIASED, _ROOT_PLUS)],
        "by-hand": (_BY_COUNT, f"{_ROOT} (variance ** 0.5 + self.eps)"),
    },
    "no-affine": {"solution": [
        f"{_RETURN} return normed", (f"{_RETURN} return normed", _WEIGHT, _BIAS), " + self.bias →", " * self.weight →",
    ]},
})  # fmt: skip

_HIDDEN, _RELU = "self.dropout(torch.relu(self.linear1(x)))", "torch.relu(self.linear1(x)) →"
edits("FeedForward", {
    "uses-builtin": {"solution": (
        "super().__init__() → super().__init__(); from utils import reference as r; made = r.FeedForward(d_model, d_ff, dropout)",
        "nn.Linear(d_model, d_ff) → made.linear1", "nn.Linear(d_ff, d_model) → made.linear2; self.made = (made,)",
        f"self.linear2({_HIDDEN}) → self.made[0].train(self.training)(x)",
    )},
    "not-differentiable": {"solution": [
        f"{_RELU} torch.relu(self.linear1(x)).detach()",
        f"{_RELU} torch.relu(x @ self.linear1.weight.data.T + self.linear1.bias.data)",
        f"{_RELU} torch.from_numpy(self.linear1(x).detach().numpy().clip(min=0))",
    ]},
    "changes-input": {"solution": f"return self.linear2({_HIDDEN}) → y = self.linear2({_HIDDEN}); x.data.relu_(); return y"},
    "no-activation": {
        "solution": [
            f"{_RELU} self.linear1(x)",
            f"return self.linear2({_HIDDEN}) → y = self.linear1(x); torch.relu(y); return self.linear2(self.dropout(y))",
        ],
        "by-position": "nn.ReLU(), →", "clamp": ".clamp(min=0.0) →",
    },
    "wrong-activation": {"solution": [
        *(f"{_RELU} {wrong}(self.linear1(x))" for wrong in (
            "nn.GELU()", "nn.GELU(approximate='tanh')", "torch.tanh", "torch.sigmoid", "nn.functional.silu", "nn.LeakyReLU()",
        )),
        f"self.linear2({_HIDDEN}) → torch.relu(self.linear2(self.dropout(self.linear1(x))))",
        f"self.linear2({_HIDDEN}) → torch.relu(self.linear2({_HIDDEN}))",
    ]},
    "dropout-in-eval": {
        "solution": [f"{_HIDDEN} → nn.functional.dropout(torch.relu(self.linear1(x)), self.dropout.p)",
                     "self.dropout(torch → nn.Dropout(self.dropout.p)(torch"],
        "mask-by-hand": "self.training and self.kept → self.kept", "functional": ", training=self.training →",
    },
})  # fmt: skip

_MADE, _STEPS = "self.norm_first = norm_first →", "if self.norm_first:"
_LAYER = "(d_model, num_heads, d_ff, dropout, batch_first=True, norm_first=norm_first); self.norm_first = norm_first"
_ATTENTION = f"{_MADE} self.norm_first = norm_first; self.hidden = (nn.MultiheadAttention(d_model, num_heads, batch_first=True),)"
edits("EncoderBlock", {"uses-builtin": {"solution": [
    (f"{_MADE} self.layer = nn.TransformerEncoderLayer{_LAYER}",
     f"{_STEPS} → return self.layer(x, None if mask is None else ~mask)\n        {_STEPS}"),
    (_ATTENTION, "self.self_attention(x, x, x, mask) → self.hidden[0].to(x)(x, x, x)"),
    f"{_STEPS} → {_REFERENCE}.EncoderBlock.forward(self, x, mask)\n        {_STEPS}",
]}})  # fmt: skip
edits("DecoderBlock", {"uses-builtin": {"solution": [
    (f"{_MADE} self.layer = nn.TransformerDecoderLayer{_LAYER}", "think = → masks = (self_mask, memory_mask)\n        return "
     "self.layer(x, memory, *(None if mask is None else ~mask for mask in masks))\n        think ="),
    (_ATTENTION, "self.self_attention(x, x, x, self_mask) → self.hidden[0].to(x)(x, x, x)"),
]}})  # fmt: skip

_NORMED, _TWO_NORMS = "sublayer(norm(x))", "self.norm1, self.norm2 = LayerNorm(d_model), LayerNorm(d_model) →"
for _component, _branches, _loop, _last, _mask in (
    ("EncoderBlock", "solution", "own-attention", 2, "mask"),
    ("DecoderBlock", "branches", "solution", 3, "self_mask"),
):
    edits(_component, {
        "not-differentiable": {
            _branches: "x + self → x.detach() + self",
            _loop: (f"{_NORMED} → {_NORMED}.detach()", "sublayer(x) → sublayer(x).detach()"),
        },
        "changes-input": {_branches: "x + self.dropout(found) → x.add_(self.dropout(found))"},
        "mask-ignored": {_branches: [f", {_mask}) → )", f"x, x, x, {_mask} → x, x, x"]},
        "no-residual": {
            _branches: ["x + self → self", "x + self.dropout(found) → self.dropout(found)",
                        "x + self.dropout(self.feed_forward → self.dropout(self.feed_forward"],
            _loop: f"x + self.dropout({_NORMED}) → norm(x) + self.dropout({_NORMED})",
        },
        "norm-before-add": {
            _branches: [f"self.norm{which}(x + → x + self.norm{which}(" for which in (1, _last)],
            _loop: "norm(x + → x + norm(",
        },
        "norm-first-ignored": {_loop: [f"if self.norm_first → if {wrong}" for wrong in (
            "False", "True", "not self.norm_first", "self.norm_first and norm is self.norm1",
        )]},
        "shared-norm": {_loop: [f"norm(x → self.norm{which}(x" for which in (1, _last)]},
        "dropout-in-eval": {
            _branches: "self.dropout(found) → torch.dropout(found, self.dropout.p, True)",
            _loop: "self.dropout(sublayer → nn.Dropout(self.dropout.p)(sublayer",
        },
    })  # fmt: skip
    edits(_component, {
        "norm-first-ignored": {"solution": f"{_MADE} self.norm_first = False"},
        "shared-norm": {"solution": f"{_TWO_NORMS} self.norm1 = self.norm2 = LayerNorm(d_model)"},
    })  # fmt: skip
edits("EncoderBlock", {"dropout-in-eval": {"identity-norms": ", self.training →"}})

_CROSS, _READ = "x, memory, memory, memory_mask →", "(self.norm1, look), (self.norm2, read) →"
edits("DecoderBlock", {
    "shared-norm": {"solution": ["(self.norm3, think → (self.norm2, think", "(self.norm2, read → (self.norm1, read"]},
    "dropout-in-eval": {"inherits-the-encoder": ", self.training →"},
    "cross-attends-to-itself": {"solution": [f"{_CROSS} x, x, x", f"{_CROSS} x, x, x, self_mask"]},
    "query-memory-swapped": {"solution": [f"{_CROSS} {wrong}" for wrong in (
        "memory, x, x", "memory, x, x, None if memory_mask is None else memory_mask.expand(len(x), x.shape[1], -1).mT",
        "memory, memory, x",
    )]},
    "sublayers-swapped": {"solution": [
        f"{_READ} (self.norm1, read), (self.norm2, look)", f"{_READ} (self.norm2, read), (self.norm1, look)",
    ]},
    "memory-mask-ignored": {
        "solution": ", memory_mask) → )", "branches": "norm2(x), memory, memory, memory_mask → norm2(x), memory, memory",
    },
})  # fmt: skip

_SQUARE, _OVER = "x.square().mean(dim=-1, keepdim=True) →", "return x / torch.sqrt(square + self.eps) * self.weight →"
_CENTRED = "x - x.mean(dim=-1, keepdim=True)"
edits("RMSNorm", {
    "uses-builtin": {"solution": [
        f"{_OVER} return nn.functional.rms_norm(x, x.shape[-1:], self.weight, self.eps)",
        ("(nn.Module) → (nn.RMSNorm)", *_INHERITS),
    ]},
    "not-differentiable": {"solution": [
        f"{_SQUARE} x.square().mean(dim=-1, keepdim=True).detach()",
        f"{_SQUARE} torch.from_numpy((x.detach().numpy() ** 2).mean(-1, keepdims=True))",
    ]},
    "changes-input": {"solution": "x / torch.sqrt(square + self.eps) → x.div_(torch.sqrt(square + self.eps))"},
    "subtracts-mean": {
        "solution": [f"square = → x = {_CENTRED}; square =", f"return x / → return ({_CENTRED}) /",
                     f"{_SQUARE} x.var(dim=-1, keepdim=True, unbiased=False)"],
        "variance-and-mean": "variance + mean.square() → variance",
    },
})  # fmt: skip

_GATE = "nn.functional.silu(self.w_gate(x)) * self.w_up(x)"
_SWAPPED = ("w_gate(x) → w_first(x)", "w_up(x) → w_gate(x)", "w_first(x) → w_up(x)")
edits("SwiGLU", {
    "uses-builtin": {"solution": f"return self → {_REFERENCE}.SwiGLU.forward(self, x); return self"},
    "not-differentiable": {"solution": [
        "silu(self.w_gate(x)) → silu(self.w_gate(x)).detach()", f"{_GATE} → torch.tensor(({_GATE}).tolist(), dtype=x.dtype)",
    ]},
    "changes-input": {"solution": f"return self.w_down({_GATE}) → y = self.w_down({_GATE}); x.data.zero_(); return y"},
    "gate-swapped": {
        "solution": [f"{_GATE} → self.w_gate(x) * nn.functional.silu(self.w_up(x))", _SWAPPED],
        "sigmoid": _SWAPPED, "module-activation": _SWAPPED, "matrices": "gate, up = → up, gate =",
        "one-product": "silu(gate).mul(up) → silu(up).mul(gate)",
    },
})  # fmt: skip
