"""The wrong answers of chapter 04, by catalogue id; the specific ones stand first."""

from autograder.framework.known_answers import borrowed, edits

borrowed("split_heads", "merge_heads")

_REFUSE = 'if d_model % num_heads != 0:\n        raise ValueError(f"{d_model=} does not split into {num_heads=}") →'
_CUT, _MOVE = "(batch, seq, num_heads, d_model // num_heads)", "return heads.transpose(1, 2) →"
edits("split_heads", {
    "not-differentiable": {"solution": f"{_MOVE} return torch.from_numpy(heads.detach().numpy().transpose(0, 2, 1, 3).copy())",
        "loop": "= features → = features.data"},
    "changes-input": f"{_MOVE} heads = heads.transpose(1, 2).clone(); x.zero_(); return heads",
    "view-without-transpose": [
        (f"{_CUT} → (batch, num_heads, seq, d_model // num_heads)", f"{_MOVE} return heads"),
        f"{_MOVE} return heads",
        (f"{_CUT} → (num_heads, batch, seq, d_model // num_heads)", f"{_MOVE} return heads.transpose(0, 1)"),
        (f"x.reshape{_CUT} → x.transpose(1, 2).reshape(batch, num_heads, seq, d_model // num_heads)", f"{_MOVE} return heads"),
    ],
    "interleaved-heads": {"solution": (f"{_CUT} → (batch, seq, d_model // num_heads, num_heads)",
        f"{_MOVE} return heads.permute(0, 3, 1, 2)"),
        "loop": "features in enumerate(x.chunk(num_heads, -1)) → "
        "features in enumerate(x[:, :, i::num_heads] for i in range(num_heads))"},
    "no-divisibility-check": [f"{_REFUSE} assert d_model % num_heads == 0, (d_model, num_heads)", f"{_REFUSE}"],
})  # fmt: skip

_MERGE = "return x.transpose(1, 2).flatten(start_dim=2) →"
_SHAPE = "x.shape[0], x.shape[2], -1"
edits("merge_heads", {
    "not-differentiable": {"solution": f"{_MERGE} return torch.tensor(x.transpose(1, 2).tolist(), dtype=x.dtype).flatten(2)",
        "loop": ".shape\n → .shape\n    x = x.detach()\n"},
    "changes-input": f"{_MERGE} merged = x.transpose(1, 2).flatten(2).clone(); x.fill_(0.0); return merged",
    "view-without-transpose": [
        f"{_MERGE} return x.reshape({_SHAPE})",
        f"{_MERGE} return x.transpose(0, 1).reshape({_SHAPE})",
        f"{_MERGE} return x.transpose(2, 3).reshape({_SHAPE})",
    ],
    "interleaved-heads": {"solution": f"{_MERGE} return x.permute(0, 2, 3, 1).flatten(2)",
        "unbind": "torch.concat(x.unbind(dim=1), 2) → torch.stack(x.unbind(dim=1), -1).flatten(2)"},
})  # fmt: skip

_SPLIT = "x.view(x.shape[0], -1, self.num_heads, self.d_head).transpose(1, 2)"
_FLAT = "x.transpose(1, 2).contiguous().view(x.shape[0], -1, self.d_model)"
_SPLIT_BY_VIEW = f"{_SPLIT} → x.reshape(x.shape[0], self.num_heads, -1, self.d_head)"
_MERGE_BY_VIEW = f"{_FLAT} → x.reshape(x.shape[0], -1, self.d_model)"
_PROJECT, _FILL = "(self.w_q(query), self.w_k(key), self.w_v(value))", "scores = scores.masked_fill(~mask, -math.inf)"
_SOFTMAX, _MIX = "torch.softmax(scores, dim=-1).nan_to_num(0.0)", "self.dropout(weights) @ v"
_RETURN = "(self.w_o(self.merge(output)), weights)"
_AXIS = "mask = mask.unsqueeze(-3)"
_FOUR = "self.w_q, self.w_k, self.w_v, self.w_o = (nn.Linear(d_model, d_model) for _ in range(4))"
_SHOWN, _AVERAGE = "self.w_o(self.merge(output)), weights", "weights.mean(dim=1, keepdim=True).expand_as(weights)"
_CHECK = (
    "if d_model % num_heads != 0:\n"
    "            raise ValueError(f'd_model ({d_model}) must be divisible by num_heads ({num_heads})')"
)
_CALL = f"q, k, v = {_PROJECT} →"
edits("MultiHeadAttention", {
    "uses-builtin": {"textbook": [
        f"{_MIX} → torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)",
        ("self.dropout = nn.Dropout(dropout) → "
         "self.layer = (nn.MultiheadAttention(d_model, num_heads, dropout, batch_first=True),)",
         f"{_CALL} return self.layer[0](query, key, value, average_attn_weights=False)"),
        (f"{_FOUR} → self.inner = nn.MultiheadAttention(d_model, num_heads, dropout=dropout, batch_first=True)",
         f"{_CALL} return self.inner(query, key, value, attn_mask=None if mask is None else ~mask, average_attn_weights=False)"),
    ]},
    "not-differentiable": {"textbook": [f"{_SOFTMAX} → {_SOFTMAX}.detach()", "self.w_v(value) → self.w_v(value).detach()"]},
    "changes-input": {"textbook": (f"{_AXIS} → mask = mask.logical_not_().unsqueeze(-3)", "_fill(~mask → _fill(mask")},
    "no-divisibility-check": {
        "textbook": [f"{_CHECK} →", f"{_CHECK} → assert d_model % num_heads == 0, 'd_model must be divisible by num_heads'"],
        "solution": 'if d_model % num_heads != 0:\n'
        '            raise ValueError(f"{d_model=} does not split into {num_heads=}") →',
    },
    "weights-averaged": {"textbook": [
        f"{_RETURN} → {_SHOWN}.mean(dim=1)",
        f"{_RETURN} → {_SHOWN}.mean(dim=1, keepdim=True)",
        f"{_RETURN} → self.w_o(self.merge(output)), {_AVERAGE}",
        f"{_RETURN} → {_SHOWN}.sum(dim=1)",
        f"output = {_MIX} → weights = {_AVERAGE}\n        output = {_MIX}",
        (f"output = {_MIX} → weights = {_AVERAGE}\n        output = {_MIX}", f"{_RETURN} → {_SHOWN}.mean(dim=1)"),
    ]},
    "mask-ignored": {"textbook": f"{_FILL} → {_FILL.removeprefix('scores = ')}", "solution": ", mask=mask) → )"},
    "no-output-projection": {
        "textbook": "self.w_o(self.merge(output)) → self.merge(output)",
        "solution": ("self.w_o = nn.Linear(d_model, d_model) →", "self.w_o(merge_heads(output)) → merge_heads(output)"),
    },
    "no-scale": {"textbook": " / math.sqrt(self.d_head) →"},
    "scale-by-d_model": {"textbook": ["math.sqrt(self.d_head) → math.sqrt(self.d_model)",
        "math.sqrt(self.d_head) → self.d_model"]},
    "self-only": {"textbook": [
        f"{_PROJECT} → self.w_q(query), self.w_k({k}), self.w_v({v})"
        for k, v in (("query", "query"), ("query", "value"), ("key", "query"), ("key", "key"), ("value", "value"))
    ]},
    "key-value-swapped": {"textbook": [
        "self.w_k(key), self.w_v(value) → self.w_k(value), self.w_v(key)",
        "self.w_k(key), self.w_v(value) → self.w_v(key), self.w_k(value)",
        "self.w_k(key), self.w_v(value) → self.w_v(value), self.w_k(key)",
    ]},
    "view-without-transpose": {"textbook": [
        _SPLIT_BY_VIEW, _MERGE_BY_VIEW, (_SPLIT_BY_VIEW, _MERGE_BY_VIEW),
        (f"{_SPLIT} → {_SPLIT.removesuffix('.transpose(1, 2)')}", f"{_FLAT} → x.flatten(2)"),
        (f"{_SPLIT} → {_SPLIT.removesuffix('.transpose(1, 2)')}",
         f"{_FLAT} → x.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1)"),
    ]},
    "softmax-over-queries": {"textbook": "dim=-1 → dim=-2"},
    "outputs-swapped": {"textbook": f"{_RETURN} → weights, self.w_o(self.merge(output))"},
    "mask-inverted": {"textbook": "_fill(~mask → _fill(mask"},
    "mask-with-zero": {"textbook": "~mask, -math.inf → ~mask, 0.0", "einsum": "float('-inf') → 0.0"},
    "mask-after-softmax": {"textbook": (f"{_FILL} →", f"{_SOFTMAX} → {_SOFTMAX} * (1 if mask is None else mask)")},
    "mask-as-condition": {"textbook": "mask is not None → mask"},
    "no-head-axis": {"textbook": [f"{_AXIS} →", f"{_AXIS} → mask = mask.unsqueeze(0)"], "solution": "mask.unsqueeze(-3) → mask"},
    "all-masked-nan": {"textbook": [".nan_to_num(0.0) →", "-math.inf → -1e9"]},
    "weights-after-dropout": {"textbook": (f"{_SOFTMAX} → self.dropout({_SOFTMAX})", f"{_MIX} → weights @ v")},
    "dropout-in-eval": {"textbook": f"{_MIX} → torch.dropout(weights, self.dropout.p, True) @ v", "einsum": ", self.training →"},
    "float32-inside": {"textbook": "math.sqrt(self.d_head) → torch.sqrt(torch.tensor(float(self.d_head)))"},
})  # fmt: skip

_SHARE = "x.repeat_interleave(shared, dim=1) for x in (k, v)"
_ALL, _ONE = "repeat(1, shared, 1, 1)", "repeat_interleave(shared, dim=1)"
edits("GroupedQueryAttention", {
    "uses-builtin": {"expand": "weights @ self.repeat_kv(v) → "
        "nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)"},
    "not-differentiable": {"expand": "self.repeat_kv(k) → self.repeat_kv(k).detach()"},
    "changes-input": {"expand": ("mask.unsqueeze(-3) → mask.logical_not_().unsqueeze(-3)", "~mask → mask", "* mask → * ~mask")},
    "repeat-order": {
        "solution": [
            f"{_SHARE} → x.{_ALL} for x in (k, v)",
            f"({_SHARE}) → k.{_ALL}, v.{_ONE}",
            f"({_SHARE}) → k.{_ONE}, v.{_ALL}",
        ],
        "grouped-einsum": ("(self.groups, self.shared, self.d_head) → (self.shared, self.groups, self.d_head)", "bqgrd → bqrgd"),
    },
    "no-scale": {"expand": " / math.sqrt(self.d_head) →"},
    "mask-ignored": ", mask=mask) → )",
    "no-divisibility-check": {"expand": "if d_model % num_heads != 0 or num_heads % num_kv_heads != 0 → "
        "if d_model % num_heads != 0"},
    "no-head-axis": "mask.unsqueeze(-3) → mask",
    "all-masked-nan": {"expand": ".softmax(-1) * mask → .softmax(-1)"},
    "float32-inside": {"expand": "math.sqrt(self.d_head) → torch.tensor(float(self.d_head)).sqrt()"},
})  # fmt: skip
