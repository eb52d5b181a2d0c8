"""Wrong answers, by the catalogue id that names the mistake: edits of the solution and of right answers in other styles."""

from autograder.framework.known_answers import edits, misconception
from utils import reference

# mask_tokens

SPECIAL, LABELS = "special = {int(i) for i in special_ids}", "torch.where(chosen, tokens, -100)"
edits("mask_tokens", {
    "uses-builtin": {"solution": f"{SPECIAL} → from utils import reference\n    "
        f"return reference.mask_tokens(tokens, mask_id, vocab_size, special_ids, rate, generator)\n    {SPECIAL}"},
    "changes-input": {
        "solution": f"return inputs, {LABELS} → labels = {LABELS}; tokens.copy_(inputs); return tokens, labels",
        "fates": "labels = torch.full_like(tokens, -100) → tokens[places] = 0; labels = torch.full_like(tokens, -100)",
        "bernoulli": "(tokens.clone(), tokens.clone()) → (tokens, tokens.clone())",
    },
    "masks-specials": {
        "solution": [" & ~is_special →", "torch.tensor(list(special)) → torch.tensor(list(special)[:1])",
            "torch.isin(tokens, torch.tensor(list(special)).to(tokens)) → tokens == mask_id"],
        "bernoulli": "chance.masked_fill_(special[tokens], 0.0) → chance",
            "lists": "if token in special or u >= rate → if u >= rate",
        "one-number": " | torch.isin(tokens, special) →",
    },
    "always-mask-id": {
        "solution": [("fate < 0.8 → fate < 2", "fate >= 0.9 → fate > 2"),
            ("inputs = torch.where(chosen & (fate < 0.8), → inputs = torch.where(chosen,",
                "chosen & (fate >= 0.9) → ~chosen & chosen")],
        "fates": "[0.8, 0.1, 0.1] → [1.0, 0.0, 0.0]", "lists": "v < 0.8 → True", "numpy": "p=[0.8, 0.1, 0.1] → p=[1, 0, 0]",
    },
    "labels-everything": {
        "solution": [f"{LABELS} → tokens", f"{LABELS} → tokens.clone()", f"{LABELS} → torch.where(is_special, -100, tokens)"],
        "bernoulli": "labels[~chosen] = -100 →", "fates": "labels[places] = tokens[places] → labels = tokens.clone()",
        "lists": "inputs.append(token), labels.append(-100) → inputs.append(token), labels.append(token)",
    },
})  # fmt: skip

# Bert


@misconception("Bert", "uses-builtin")
class TheReference(reference.Bert):
    pass


GELU, SUMMED = "F.gelu(self.linear1(x), approximate=self.approximate)", "x = self.dropout(self.norm(self.positions(x)))"
BLOCK, STEP = "gelu_block(d_model, num_heads, d_ff, dropout, eps=eps)", "x = block(x, mask=mask)"
QUICK = "self.linear1(x) * torch.sigmoid(1.702 * self.linear1(x))"
edits("Bert", {
    "uses-builtin": {
        "solution": f"{STEP} → x = nn.TransformerEncoderLayer(x.shape[-1], 1, 8, batch_first=True).to(x)(x)",
        "own-names": "found = F.scaled_dot_product_attention( → "
            "n = q.shape[-1] * self.heads\n        F.multi_head_attention_forward("
            "*[x.transpose(0, 1)] * 3, n, self.heads, self.qkv.weight, self.qkv.bias, None, None, False, 0.0, self.out.weight, "
            "self.out.bias)\n        found = F.scaled_dot_product_attention(",
    },
    "not-differentiable": {
        "solution": [f"{SUMMED} → {SUMMED}.detach()", "    def forward(self, tokens, → "
            "    @torch.no_grad()\n    def forward(self, tokens,", f"{STEP} → x = block(x.detach(), mask=mask)",
            "self.blocks = → self.requires_grad_(False); self.blocks ="],
        "functions": "x = words[tokens] + → x = words.data[tokens] +",
    },
    "changes-input": {
        "solution": "        return x\n → \n        tokens.zero_(); return x\n", "own-names": "tokens * 0 if → tokens.mul_(0) if",
    },
    "wrong-activation": {
        "solution": [*(f"{GELU} → {wrong}" for wrong in ("F.relu(self.linear1(x))", "F.silu(self.linear1(x))", QUICK)),
            "eps=eps) → eps=eps, approximate='tanh')", "range(num_layers)) → range(num_layers))\n"
            "        self.blocks[0].feed_forward.approximate = 'tanh'"],
        "own-names": ["approximate='tanh' if tanh else 'none' → approximate='tanh'", "self.gelu(self.up(x)) → self.up(x).relu()"],
        "functions": ["F.gelu( → F.relu(", "dense', x))) → dense', x), approximate='tanh'))"],
        "library-norms": "hidden * (1 + torch.erf(hidden / 2 ** 0.5)) / 2 → F.gelu(hidden, approximate='tanh')",
    },
    "no-segments": {
        "solution": [" + self.segment_embedding(segments) →", "if segments is None → if True",
            ("self.segment_embedding = nn.Embedding(num_segments, d_model) →", " + self.segment_embedding(segments) →")],
        "own-names": ["tokens * 0 if segments is None else segments → tokens * 0", "+ kinds + → +"],
        "functions": " + (kinds[:1] if segments is None else kinds[segments]) →",
        "sequential": "kinds[0] if segments is None else kinds[segments] → kinds[0]",
    },
    "mask-ignored": {
        "solution": [f"{STEP} → x = block(x)", *(f"mask=mask) → mask=None if block is self.blocks[{n}] else mask)" for n in (0,
            -1))],
        "own-names": ["layer(x, mask) → layer(x, None)", "attn_mask=mask, →"], "functions": "if mask is not None → if False",
        "sequential": "(x, mask) → (x)",
    },
    "float32-inside": {"solution": f"{SUMMED} → {SUMMED}.float().to(x.dtype)",
        "functions": "torch.rsqrt( → (lambda x: x.float().rsqrt())("},
})  # fmt: skip

# next_token_loss

PAIR = "said, right = logits[:, :-1], tokens[:, 1:]"
edits("next_token_loss", {
    "uses-builtin": {"solution": f"{PAIR} → from utils import reference; return reference.next_token_loss(logits, tokens)"},
    "not-differentiable": {"solution": [f"{PAIR} → {PAIR}; said = said.detach()",
        "return F.cross_entropy(said.flatten(0, 1), right.flatten()) → "
        "return logits.new_tensor(F.cross_entropy(said.flatten(0, 1), right.flatten()).item())"]},
    "changes-input": {"solution": f"{PAIR} → {PAIR}; tokens[:, 0] = 0", "gather": "return - → logits.data.zero_()\n    return -"},
    "no-shift": {
        "solution": [f"{PAIR} → said, right = {wrong}" for wrong in (
            "logits, tokens", "logits[:, :-1], tokens[:, :-1]", "logits[:, 1:], tokens[:, 1:]")],
        "classes-second": [("logits[:, :-1] → logits", "tokens[:, 1:] → tokens"), "tokens[:, 1:] → tokens[:, :-1]"],
        "gather": "[:, :-1] → [:, 1:]", "place-by-place": "t + 1] → t]", "ignored-place": "tokens.roll(-1, dims=1) → tokens",
        "one-hot": "tokens[:, 1:] → tokens[:, :-1]",
    },
    "float32-inside": {"solution": "said.flatten(0, 1) → said.flatten(0, 1).float().to(logits.dtype)"},
})  # fmt: skip

# Gpt


@misconception("Gpt", "uses-builtin")
class TheReferenceGpt(reference.Gpt):
    pass


STEP, TIED, FINAL = "x = block(x, mask=mask)", "@ self.token_embedding.weight.T", "self.norm = LayerNorm(d_model)"
FUTURE = "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device)"
OUTPUT = f"{FINAL} → {FINAL}\n        self.output = nn.Linear(d_model, vocab_size, bias=False)"
edits("Gpt", {
    "uses-builtin": {
        "solution": f"{STEP} → x = nn.TransformerEncoderLayer(x.shape[-1], 1, 8, norm_first=True, batch_first=True).to(x)(x)",
    },
    "not-differentiable": {
        "solution": [f"{STEP} → x = block(x.detach(), mask=mask)", "    def forward(self, tokens): → "
            "    @torch.no_grad()\n    def forward(self, tokens):", "self.norm(x) @ → self.norm(x).detach() @",
            "self.blocks = → self.requires_grad_(False); self.blocks ="],
        "functions": "(words[tokens] + → (words.detach()[tokens] +",
    },
    "changes-input": {
        "solution": f"        return self.norm(x) {TIED} → \n        tokens[:, -1] = 0\n        return self.norm(x) {TIED}",
        "own-names": "self.wte(tokens) + → self.wte(tokens.roll(0)) + 0 * tokens.fill_(1).unsqueeze(-1) +",
    },
    "wrong-activation": {
        "solution": [*(f"F.gelu(self.linear1(x), approximate=self.approximate) → {wrong}" for wrong in (
            "F.relu(self.linear1(x))", "F.silu(self.linear1(x))", "F.gelu(self.linear1(x))")),
                "approximate=\"tanh\" → approximate=\"none\"",
            "range(num_layers)) → range(num_layers))\n        self.blocks[-1].feed_forward.approximate = 'none'"],
        "own-names": ["tanh=True → tanh=False", "self.gelu(self.up(x)) → self.up(x).relu()"],
        "functions": ", approximate='tanh' →",
        "library-norms": "0.5 * hidden * (1 + torch.tanh(inner(hidden))) → F.gelu(hidden)",
    },
    "untied-output": {
        "solution": [(OUTPUT, f"self.norm(x) {TIED} → self.output(self.norm(x))"),
            (OUTPUT.replace("self.output", "self.lm_head"), f"self.norm(x) {TIED} → self.lm_head(self.norm(x))")],
        "output-layer": ["self.output.weight = self.token_embedding.weight →",
            "self.output.weight = self.token_embedding.weight → self.output.weight.data = self.token_embedding.weight.data"],
    },
    "no-final-norm": {
        "solution": [f"self.norm(x) {TIED} → x {TIED}", (f"{FINAL} →", f"self.norm(x) {TIED} → x {TIED}")],
        "own-names": "self.ln_f(x) → x", "functions": "self.norm('ln_f', x) → x",
            "output-layer": "self.output(self.norm(x)) → self.output(x)",
    },
    "sees-future": {
        "solution": [f"{STEP} → x = block(x)", f"{FUTURE} → {FUTURE}; mask = torch.ones_like(mask)",
            f"{FUTURE} → {FUTURE}; mask = mask.T",
            f"{FUTURE} → mask = torch.ones(x.shape[1], x.shape[1], device=x.device).tril(1).bool()",
            *(f"mask=mask) → mask=None if block is self.blocks[{n}] else mask)" for n in (0, -1))],
        "own-names": ["layer(x, past) → layer(x, None)", ".tril() → .tril(diagonal=1)"], "functions": [" + blind →",
            "triu(1) → triu(2)"],
        "library-norms": "place[:, None] >= place → place[:, None] + 1 >= place",
    },
    "float32-inside": {"solution": "self.norm(x) @ → self.norm(x).float().to(x.dtype) @"},
})  # fmt: skip

# sample_token

DIVIDED, DRAWN = "logits = logits / temperature", "torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)"
CROSSING, FILTER = "(before >= top_p) & (before > 0)", "logits.masked_fill(logits < smallest, -torch.inf)"
edits("sample_token", {
    "uses-builtin": {"solution": "    if temperature == 0: →     from utils import reference\n"
        "    return reference.sample_token(logits, temperature, top_k, top_p, generator)\n    if temperature == 0:"},
    "changes-input": {"solution": [f"{DIVIDED} → logits /= temperature", f"{DIVIDED} → logits.sub_(logits.mean()); {DIVIDED}"],
        "rows": "values, ids = row.topk → row -= 1; values, ids = row.topk"},
    "temperature-multiplied": {
        "solution": f"{DIVIDED} → logits = logits * temperature", "sorted": "ordered / temperature → ordered * temperature",
        "gumbel": "1 / temperature → temperature", "inverse": "logits / temperature → logits * temperature",
        "rows": "values / temperature → values * temperature",
    },
    "top-p-drops-crossing-token": {
        "solution": [f"{CROSSING} → {wrong}" for wrong in ("(before + ordered >= top_p) & (before > 0)",
            "(before + ordered > top_p) & (before > 0)", "before + ordered > top_p")],
        "sorted": ["shares.cumsum(-1)[:, :-1] < top_p → shares.cumsum(-1)[:, 1:] < top_p",
            "torch.cat([torch.ones_like(shares[:, :1], "
            "dtype=torch.bool), shares.cumsum(-1)[:, :-1] < top_p], dim=-1) → shares.cumsum(-1) <= top_p"],
        "inverse": "(sums < top_p).sum(-1) → ((sums < top_p).sum(-1) - 1).clamp(min=0)",
        "rows": "p[:kept] → p[:max(kept - (top_p is not None and top_p < 1), 1)]",
        "gumbel": "above >= top_p → above + p >= top_p",
    },
    "filter-after-softmax": {
        "solution": [
            f"{DRAWN} → torch.multinomial(logits.softmax(dim=-1).softmax(dim=-1), 1, generator=generator)",
            (f"{DIVIDED} → {DIVIDED}\n    whole = logits", "ordered, ids = logits → ordered, ids = whole"),
            (f"{DIVIDED} → {DIVIDED}\n    logits = logits.softmax(dim=-1)",
                f"{FILTER} → logits.masked_fill(logits < smallest, 0.0)",
             "logits.softmax(dim=-1).sort → logits.sort", "masked_fill(spare, -torch.inf) → masked_fill(spare, 0.0)"),
            (f"{DIVIDED} → {DIVIDED}\n    logits = logits.softmax(dim=-1)",
                f"{FILTER} → logits.masked_fill(logits < smallest, 0.0)",
             "logits.softmax(dim=-1).sort → logits.sort", "masked_fill(spare, -torch.inf) → masked_fill(spare, 0.0)",
             "(logits.softmax(dim=-1), 1 → (logits, 1"),
            (f"{DIVIDED} → {DIVIDED}\n    logits = logits.softmax(dim=-1)", "logits.softmax(dim=-1).sort → logits.sort"),
        ],
        "sorted": ["        shares = shares / shares.sum(-1, keepdim=True)\n →",
            "multinomial(shares, → multinomial(shares.softmax(-1),"],
        "inverse": ["log_p = log_p.gather(-1, order)[:, :top_k].double() → "
            "log_p = log_p.gather(-1, order)[:, :top_k].double().exp()",
            "sums = log_p.softmax(-1).cumsum(-1) → sums = log_p.exp().cumsum(-1)"],
        "rows": "multinomial(p[:kept], → multinomial(p[:kept].softmax(0),",
    },
})  # fmt: skip

# generate

WITH, WRITTEN = "    with evaluating(model):", "new = sampler(logits[:, -1]).unsqueeze(1)"
edits("generate", {
    "uses-builtin": {"solution": f"{WITH} →     from utils import reference\n"
        f"    return reference.generate(model, tokens, max_new_tokens, sampler, use_cache)\n{WITH}"},
    "changes-input": {
        "solution": f"{WRITTEN} → {WRITTEN}; tokens[:, 0] = 0",
        "table": "return table → tokens.zero_()\n    return table",
    },
    "dropout-in-eval": {
        "solution": ["with evaluating(model) → with torch.no_grad()", "model.eval() → model.train()", "    model.eval()\n →"],
        "two-loops": "model.train(False) → model.train(True)", "steps": "        self.model.eval()\n →",
    },
    "cache-rereads": {
        "solution": ["model.extend(new, past) → model.extend(tokens)", "model.extend(new, past) → model.extend(tokens, None)"],
        "table": "model.extend(table[:, read:place], past=past) → model.extend(table[:, :place])",
        "steps": "model.extend(text[:, -unread:], past) → model.extend(text)",
    },
})  # fmt: skip

# span_corruption

# relative_position_bucket

# T5

# patchify

# ViT

# box_iou
