"""Wrong answers to the exercises of chapter 03, by the catalogue id that names their mistake."""

from autograder.framework.known_answers import borrowed, edits

borrowed("create_look_ahead_mask", "create_padding_mask")

edits("create_look_ahead_mask", {
    "excludes-self": {"solution": "<= → <", "tril-of-booleans": "tril() → tril(-1)", "row-by-row": ":i + 1 → :i"},
    "mask-inverted": {
        "solution": ["<= → >", "<= → >="], "tril-of-booleans": "tril() → triu()",
        "not-triu": ["~torch → torch", ".bool() → .bool().T"],
    },
    "sees-next": {
        "tril-of-booleans": "tril() → tril(diagonal=1)", "not-triu": "diagonal=1 → diagonal=2", "row-by-row": "+ 1 → + 2",
    },
    "not-boolean": {
        "tril-of-booleans": ["torch.bool → torch.long", "torch.bool → torch.float32"], "additive-then-compared": " == 0 →",
        "not-triu": [("~torch → 1 - torch", ".bool() →"), ("~torch → torch", ".bool() →")],
    },
})  # fmt: skip

_REAL = "(tokens != pad_id)[:, None, :] →"
edits("create_padding_mask", {
    "changes-input": {
        "solution": f"{_REAL} tokens.ne_(pad_id).bool().unsqueeze(1)",
        "filled": "mask[tokens == pad_id] → tokens[tokens == pad_id] = -1; mask[tokens < 0]",
    },
    "mask-inverted": {
        "solution": "!= → ==", "logical-not": "torch.logical_not →", "filled": ("ones_like → zeros_like", "= False → = True"),
    },
    "wrong-shape": [
        f"{_REAL} tokens != pad_id", f"{_REAL} (tokens != pad_id).unsqueeze(-1)", f"{_REAL} (tokens != pad_id).unsqueeze(0)",
        f"{_REAL} (tokens != pad_id)[:, None, None, :]", f"{_REAL} (tokens != pad_id)[:, None, :, None]",
        f"{_REAL} (tokens != pad_id)[:, None, :] & (tokens != pad_id)[:, :, None]",
        f"{_REAL} (tokens != pad_id)[:, None, :].expand(-1, tokens.shape[1], -1)",
    ],
    "not-boolean": [
        f"{_REAL} (tokens != pad_id).float().unsqueeze(1)", f"{_REAL} (tokens != pad_id).long()[:, None, :]",
        f"{_REAL} (tokens != pad_id).float()", f"{_REAL} (tokens != pad_id).long()",
        f"{_REAL} torch.zeros(tokens.shape).masked_fill(tokens == pad_id, -torch.inf).unsqueeze(1)",
        f"{_REAL} (tokens == pad_id)[:, None, None, :] * -1e9",
    ],
    "ignores-pad-id": {"solution": ["!= pad_id → != 0", "!= pad_id → > 0"], "view": "tokens.ne(pad_id) → tokens.bool()"},
})  # fmt: skip

_W_Q, _W_K, _W_V = (f"self.w_{name} = nn.Linear(d_model, d_{size}, bias=False)" for name, size in ("qk", "kk", "vv"))
_CALL, _PLAIN, _PAIR = "self.w_q(x), self.w_k(x), self.w_v(x) →", "step-by-step", "weights @ v, weights →"
_WEIGHTS, _FILLED = "torch.softmax(scores, dim=-1) →", "scores = scores.masked_fill(~mask, -torch.inf) →"
_HELPERS_MASK = ".masked_fill(~mask, 0.0) →"
edits("SelfAttention", {
    "uses-builtin": {_PLAIN: f"{_PAIR} nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=mask), weights"},
    "changes-input": {_PLAIN: [
        "_fill(~mask → _fill(mask.logical_not_()", f"{_CALL} self.w_q(x.div_(2)) * 2, self.w_k(x) * 2, self.w_v(x) * 2",
    ]},
    "not-differentiable": {_PLAIN: [
        f"{_WEIGHTS} torch.softmax(scores, dim=-1).detach()", f"{_PAIR} weights @ v, weights.detach()",
    ]},
    "no-scale": {_PLAIN: " / math.sqrt(self.d_k) →", "own-helper": " / math.sqrt(q.size(-1)) →"},
    "scale-by-d_model": {
        _PLAIN: ["math.sqrt(self.d_k) → math.sqrt(self.d_model)", "math.sqrt(self.d_k) → self.d_model"],
        "own-helper": (
            "math.sqrt(q.size(-1)) → scale", "k, v, mask=None → k, v, mask, scale",
            "value, mask → value, mask, x.size(-1) ** 0.5",
        ),
    },
    "mask-ignored": {"solution": ", mask=mask →", _PLAIN: [
        "scores = scores.masked → scores.masked", "if mask is not None → if False",
    ]},
    "shared-projection": [
        f"{_W_K} → self.w_k = self.w_q", f"{_W_V} → self.w_v = self.w_k", f"{_W_V} → {_W_V}; self.w_q.weight = self.w_k.weight",
        (f"{_W_V} → self.w_v = self.w_k", f"{_W_K} → self.w_k = self.w_q"),
        f"{_W_V} → self.w_v = self.w_k if d_k == d_v else nn.Linear(d_model, d_v, bias=False)",
        (f"{_W_V} →", f"{_W_K} →", "self.w_k → self.w_q", "self.w_v → self.w_q"), (f"{_W_K} →", "self.w_k → self.w_q"),
        f"{_CALL} self.w_q(x), self.w_k(x), (self.w_q if self.w_q.weight.shape == self.w_v.weight.shape else self.w_v)(x)",
        *(f"{_CALL} self.w_{q}(x), self.w_{k}(x), self.w_{v}(x)" for q, k, v in "qqv qkq qkk qvv kkv vkv qqq kkk vvv".split()),
    ],
    "softmax-over-queries": {_PLAIN: [f"{_WEIGHTS} torch.softmax(scores, dim=-2)", f"{_WEIGHTS} torch.softmax(scores, 1)"]},
    "scores-transposed": {
        _PLAIN: "q @ k.transpose → k @ q.transpose", "own-helper": "torch.matmul(q, k.mT) → torch.matmul(k, q.mT)",
    },
    "outputs-swapped": {"solution": "mask=mask) → mask=mask)[::-1]", _PLAIN: f"{_PAIR} weights, weights @ v"},
    "mask-inverted": {_PLAIN: "~mask → mask", "own-helper": ("mask.logical_not() → mask", "~mask → mask")},
    "mask-after-softmax": {_PLAIN: (f"{_FILLED} pass", "weights.nan_to_num() → weights if mask is None else weights * mask")},
    "mask-with-zero": {_PLAIN: ["-torch.inf → 0.0", f"{_FILLED} scores = scores * mask"]},
    "mask-as-condition": {_PLAIN: "if mask is not None → if mask", "own-helper": "if mask is None → if not mask"},
    "all-masked-nan": {
        _PLAIN: ["weights = weights.nan_to_num() →", "-torch.inf → -1e9"],
        "own-helper": [_HELPERS_MASK, (_HELPERS_MASK, "mask.logical_not(), → mask.logical_not(), 10 *")],
    },
    "float32-inside": {_PLAIN: [
        "math.sqrt(self.d_k) → torch.tensor(self.d_k).sqrt()", f"{_WEIGHTS} torch.softmax(scores.float(), dim=-1).to(x.dtype)",
    ]},
})  # fmt: skip
