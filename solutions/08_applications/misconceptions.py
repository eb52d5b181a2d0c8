"""Wrong answers, by the catalogue id that names the mistake: edits of the solution and of right answers in other styles."""

from autograder.framework.known_answers import edits, misconception
from utils import reference

PARTS = ("mask_tokens", "next_token_loss", "sample_token", "generate", "span_corruption", "relative_position_bucket", "patchify")
for part in (*PARTS, "box_iou", "Bert", "Gpt", "T5", "ViT"):
    misconception(part, "uses-builtin")(reference.COMPONENTS[part])

# mask_tokens

LABELS = "torch.where(chosen, tokens, -100)"
edits("mask_tokens", {
    "changes-input": {"bernoulli": "inputs, mask = tokens.clone(), → inputs, mask = tokens,"},
    "masks-specials": [" & ~is_special →", "torch.tensor(list(special)) → torch.tensor(list(special)[:1])",
        "torch.isin(tokens, torch.tensor(list(special)).to(tokens)) → tokens == mask_id"],
    "always-mask-id": {
        "solution": [("fate < 0.8 → fate < 2", "fate >= 0.9 → fate > 2"),
            ("inputs = torch.where(chosen & (fate < 0.8), → inputs = torch.where(chosen,",
                "chosen & (fate >= 0.9) → ~chosen & chosen")],
        "nested": "fate < 0.1, random, torch.where(fate < 0.2, tokens, mask_id) → fate < 2, mask_id, tokens",
    },
    "labels-everything": {
        "solution": [f"{LABELS} → tokens", f"{LABELS} → tokens.clone()", f"{LABELS} → torch.where(is_special, -100, tokens)"],
        "bernoulli": "labels[~chosen] = -100 →",
    },
})  # fmt: skip

# Bert

GELU, SUMMED = "F.gelu(self.linear1(x), approximate=self.approximate)", "x = self.dropout(self.norm(self.positions(x)))"
STEP, QUICK = "x = block(x, mask=mask)", "self.linear1(x) * torch.sigmoid(1.702 * self.linear1(x))"
edits("Bert", {
    "uses-builtin": [f"{STEP} → x = nn.TransformerEncoderLayer(x.shape[-1], 1, 8, batch_first=True).to(x)(x)",
        f"{STEP} → nn.MultiheadAttention(x.shape[-1], 1).to(x)(x, x, x); {STEP}"],
    "not-differentiable": [f"{SUMMED} → {SUMMED}.detach()", f"{STEP} → x = block(x.detach(), mask=mask)",
        "self.blocks = → self.requires_grad_(False); self.blocks ="],
    "changes-input": "        return x\n → \n        tokens.zero_(); return x\n",
    "wrong-activation": {
        "solution": [*(f"{GELU} → {wrong}" for wrong in ("F.relu(self.linear1(x))", "F.silu(self.linear1(x))", QUICK)),
            "eps=eps) → eps=eps, approximate='tanh')", "range(num_layers)) → range(num_layers))\n"
            "        self.blocks[0].feed_forward.approximate = 'tanh'"],
        "library-norms": "hidden * (1 + torch.erf(hidden / 2 ** 0.5)) / 2 → F.gelu(hidden, approximate='tanh')",
    },
    "no-segments": {
        "solution": [" + self.segment_embedding(segments) →", "if segments is None → if True",
            ("self.segment_embedding = nn.Embedding(num_segments, d_model) →", " + self.segment_embedding(segments) →")],
        "sequential": "kinds[0] if segments is None else kinds[segments] → kinds[0]",
    },
    "mask-ignored": {
        "solution": [f"{STEP} → x = block(x)",
            *(f"mask=mask) → mask=None if block is self.blocks[{n}] else mask)" for n in (0, -1))],
        "fused": "q, k, v, seen, → q, k, v, None,",
    },
    "float32-inside": f"{SUMMED} → {SUMMED}.float().to(x.dtype)",
})  # fmt: skip

# next_token_loss

PAIR = "said, right = logits[:, :-1], tokens[:, 1:]"
edits("next_token_loss", {
    "not-differentiable": f"{PAIR} → {PAIR}; said = said.detach()",
    "changes-input": f"{PAIR} → {PAIR}; tokens[:, 0] = 0",
    "no-shift": {
        "solution": [f"{PAIR} → said, right = {wrong}" for wrong in (
            "logits, tokens", "logits[:, :-1], tokens[:, :-1]", "logits[:, 1:], tokens[:, 1:]")],
        "gather": "[:, :-1] → [:, 1:]", "place-by-place": "t + 1] → t]",
    },
    "float32-inside": "said.flatten(0, 1) → said.flatten(0, 1).float().to(logits.dtype)",
})  # fmt: skip

# Gpt

STEP, TIED, FINAL = "x = block(x, mask=mask)", "@ self.token_embedding.weight.T", "self.norm = LayerNorm(d_model)"
FUTURE = "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device)"
OUTPUT = f"{FINAL} → {FINAL}\n        self.lm_head = nn.Linear(d_model, vocab_size, bias=False)"
edits("Gpt", {
    "uses-builtin": f"{STEP} → x = nn.TransformerEncoderLayer(x.shape[-1], 1, 8, norm_first=True, batch_first=True).to(x)(x)",
    "not-differentiable": [f"{STEP} → x = block(x.detach(), mask=mask)", "self.norm(x) @ → self.norm(x).detach() @",
        "self.blocks = → self.requires_grad_(False); self.blocks ="],
    "changes-input": f"        return self.norm(x) {TIED} → \n        tokens[:, -1] = 0\n        return self.norm(x) {TIED}",
    "wrong-activation": {
        "solution": [*(f"F.gelu(self.linear1(x), approximate=self.approximate) → {wrong}" for wrong in (
            "F.relu(self.linear1(x))", "F.silu(self.linear1(x))", "F.gelu(self.linear1(x))")),
            "range(num_layers)) → range(num_layers))\n        self.blocks[-1].feed_forward.approximate = 'none'"],
        "library-norms": "0.5 * hidden * (1 + torch.tanh(inner(hidden))) → F.gelu(hidden)",
    },
    "untied-output": {
        "solution": (OUTPUT, f"self.norm(x) {TIED} → self.lm_head(self.norm(x))"),
        "output-layer": "output.weight = self.token_embedding.weight → output.weight.data = self.token_embedding.weight.data",
    },
    "no-final-norm": {
        "solution": [f"self.norm(x) {TIED} → x {TIED}", (f"{FINAL} →", f"self.norm(x) {TIED} → x {TIED}")],
        "own-names": "self.ln_f(x) → x",
    },
    "sees-future": {
        "solution": [f"{STEP} → x = block(x)", f"{FUTURE} → {FUTURE}; mask = torch.ones_like(mask)",
            f"{FUTURE} → {FUTURE}; mask = mask.T",
            f"{FUTURE} → mask = torch.ones(x.shape[1], x.shape[1], device=x.device).tril(1).bool()",
            *(f"mask=mask) → mask=None if block is self.blocks[{n}] else mask)" for n in (0, -1))],
        "library-norms": "place[:, None] >= place → place[:, None] + 1 >= place",
    },
    "float32-inside": "self.norm(x) @ → self.norm(x).float().to(x.dtype) @",
})  # fmt: skip

# sample_token

DIVIDED, DRAWN = "logits = logits / temperature", "torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)"
CROSSING, ORDERED = "(before >= top_p) & (before > 0)", "logits.softmax(dim=-1).sort → logits.sort"
FIRST = f"{DIVIDED} → {DIVIDED}\n    logits = logits.softmax(dim=-1)"
ZEROS = ("(logits < smallest, -torch.inf) → (logits < smallest, 0.0)", "(spare, -torch.inf) → (spare, 0.0)")
edits("sample_token", {
    "changes-input": f"{DIVIDED} → logits /= temperature",
    "temperature-multiplied": {
        "solution": f"{DIVIDED} → logits = logits * temperature",
        "rows": "values / temperature → values * temperature",
    },
    "top-p-drops-crossing-token": {
        "solution": [f"{CROSSING} → {wrong}" for wrong in ("(before + ordered >= top_p) & (before > 0)",
            "(before + ordered > top_p) & (before > 0)", "before + ordered > top_p")],
        "rows": "p[:kept] → p[:max(kept - (top_p is not None and top_p < 1), 1)]",
    },
    "filter-after-softmax": {
        "solution": [
            f"{DRAWN} → torch.multinomial(logits.softmax(dim=-1).softmax(dim=-1), 1, generator=generator)",
            (f"{DIVIDED} → {DIVIDED}\n    whole = logits", "ordered, ids = logits → ordered, ids = whole"),
            (FIRST, ORDERED), (FIRST, ORDERED, *ZEROS), (FIRST, ORDERED, *ZEROS, "(logits.softmax(dim=-1), 1 → (logits, 1"),
        ],
        "rows": "multinomial(p[:kept], → multinomial(p[:kept].softmax(0),",
    },
})  # fmt: skip

# generate

WRITTEN = "new = sampler(logits[:, -1]).unsqueeze(1)"
edits("generate", {
    "changes-input": f"{WRITTEN} → {WRITTEN}; tokens[:, 0] = 0",
    "dropout-in-eval": ["with evaluating(model) → with torch.no_grad()", "model.eval() → model.train()", "    model.eval()\n →"],
    "cache-rereads": {"solution": "model.extend(new, past) → model.extend(tokens)",
        "table": "model.extend(table[:, read:place], past=past) → model.extend(table[:, :place])"},
})  # fmt: skip

# span_corruption

HEAD, PAIRS, REST = "inputs, targets, place = [], [], 0", "zip(sentinel_ids, spans, strict=False)", "+ list(tokens[place:])"
edits("span_corruption", {
    "changes-input": {
        "solution": f"{PAIRS} → zip(list(sentinel_ids), [spans.pop(0) for _ in range(len(spans))])",
        "from-the-back": "list(tokens) → tokens", "iterator": "next(names) → sentinel_ids.pop(0)",
    },
    "same-sentinel": {
        "solution": [f"{PAIRS} → [(sentinel_ids[0], span) for span in spans]",
        f"{PAIRS} → [(sentinel_ids[-1], span) for span in spans]",
                     (" sentinel]\n →  sentinel_ids[0]]\n", "[sentinel, *tokens → [sentinel_ids[0], *tokens")],
        "from-the-back": "sentinel_ids[number] → sentinel_ids[0]",
    },
    "no-eos": {
        "solution": [", targets + [eos_id] → , targets", (f"{REST} → {REST} + [eos_id]", ", targets + [eos_id] → , targets")],
        "iterator": "    targets.append(eos_id)\n →",
    },
})  # fmt: skip

# relative_position_bucket

AHEAD, BEHIND, ZEROS = "(relative_position > 0)", "(-relative_position).clamp(min=0)", "first = torch.zeros_like("
edits("relative_position_bucket", {
    "changes-input": "relative_position.abs() → relative_position.abs_()",
    "sign-flipped": {
        "solution": [f"{ZEROS} → relative_position = -relative_position; {ZEROS}", f"{AHEAD} → (relative_position < 0)",
        f"{BEHIND} → relative_position.clamp(min=0)"],
        "log-base": "-relative_position.clamp(max=0) → relative_position.clamp(min=0)",
    },
    "not-bidirectional": ["if bidirectional: → if False:", f"num_buckets * {AHEAD} → 0 * relative_position",
                 f"        num_buckets //= 2\n        first = num_buckets * {AHEAD} →",
                 f"first = num_buckets * {AHEAD}\n        distance = relative_position.abs() → distance = {BEHIND}"],
})  # fmt: skip

# T5

SCORES, LAST = "scores = q @ k.transpose(-2, -1)", "@ self.token_embedding.weight.T"
FLOATED, OUTPUT = "x = self.decoder_norm(x) * x.shape[-1] ** -0.5", " * x.shape[-1] ** -0.5"
edits("T5", {
    "uses-builtin": (
        "self.num_heads, → self.whole = nn.MultiheadAttention(d_model, 1, batch_first=True); self.num_heads,",
        f"        {SCORES} →         query = self.whole(query, key, key)[0]\n        {SCORES}"),
    "not-differentiable": ["x = self.token_embedding(source) → x = self.token_embedding(source).detach()",
                 "return table(buckets).permute → return table.weight.data[buckets].permute",
                 "block(x, bias, memory, → block(x, bias, memory.detach(),"],
    "changes-input": "x, length = → target_in[:, 0] = 0; x, length =",
    "float32-inside": f"{FLOATED} → x = self.decoder_norm(x).float().to(x.dtype){OUTPUT}",
    "scaled-attention": {
        "solution": [f"{SCORES} → {SCORES} * {scale}" for scale in ("q.shape[-1] ** -0.5", "query.shape[-1] ** -0.5")]
        + [f"{SCORES} + bias → scores = (q @ k.transpose(-2, -1) + bias) / math.sqrt(q.shape[-1])",
           f"{SCORES} → {SCORES} / q.shape[-1]",
           f"{SCORES} → {SCORES} / (1.0 if isinstance(bias, float) else q.shape[-1] ** 0.5)",
           f"{SCORES} → {SCORES} / (q.shape[-1] ** 0.5 if isinstance(bias, float) else 1.0)",
           f"{SCORES} → {SCORES} * k.shape[-2] ** -0.5"],
        "sdpa": ", bias, scale=1.0) → , bias)", "exponentials": f"{SCORES} → {SCORES} / math.sqrt(q.shape[-1])",
    },
    "output-not-scaled": [f"{OUTPUT} →", f"{FLOATED}\n        return x {LAST} → return self.decoder_norm(x) {LAST}"],
})  # fmt: skip

# patchify

CUT, ORDER = "x = images.reshape(", "permute(0, 2, 4, 1, 3, 5)"
UNFOLD = "rows, columns = → return torch.nn.{} \n    rows, columns ="
edits("patchify", {
    "uses-builtin": [
        UNFOLD.format("functional.unfold(images, patch_size, stride=patch_size).mT"),
        UNFOLD.format("Unfold(patch_size, stride=patch_size)(images).transpose(1, 2)"),
    ],
    "not-differentiable": f"{CUT} → x = images.detach().reshape(",
    "changes-input": f"{CUT} → images -= images.mean(); {CUT}",
    "column-order": {
        "solution": [f"{ORDER} → permute(0, 4, 2, 1, 3, 5)", f"{ORDER} → permute(0, 2, 4, 1, 5, 3)",
        f"{ORDER} → permute(0, 4, 2, 1, 5, 3)"],
        "tensor-unfold": "x.movedim(1, 3).flatten(3).flatten(1, 2) → x.movedim(1, 3).flatten(3).transpose(1, 2).flatten(1, 2)",
    },
    "channels-last": {
        "solution": f"{ORDER} → permute(0, 2, 4, 3, 5, 1)", "tensor-unfold": ".movedim(1, 3) → .movedim(1, 5)",
        "slices": ".reshape(batch, -1) → .permute(0, 2, 3, 1).reshape(batch, -1)",
    },
})  # fmt: skip

# ViT

READ, JOINED, NORMED = "self.encode(images)[:, 0]", "self.positions(torch.cat([first, x], dim=1))", "return self.norm(x)"
EMBED = "x = self.patch_embedding(patchify(images, self.patch_size))"
NO_TOKEN = f"{JOINED} → (x + self.positions.table[1:])"
edits("ViT", {
    "uses-builtin": "gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12)\n → "
        "nn.TransformerEncoderLayer(d_model, num_heads, d_ff, dropout, 'gelu', 1e-12, True, True)\n",
    "not-differentiable": {
        "solution": [f"{EMBED} → {EMBED.replace('images,', 'images.detach(),')}", f"{EMBED} → {EMBED}.detach()",
        "expand(len(x), 1, -1) → data.expand(len(x), 1, -1)", "x = block(x) → x = block(x.detach())",
        "nn.Parameter(torch.zeros(d_model)) → nn.Parameter(torch.zeros(d_model), requires_grad=False)"],
        "places-apart": ", self.positions.table\n → , self.positions.table.detach()\n",
    },
    "changes-input": f"{EMBED} → images -= images.mean(); {EMBED}",
    "float32-inside": "first = → x = x.float().to(x.dtype); first =",
    "no-class-token": {
        "solution": [f"{READ} → self.encode(images).mean(dim=1)", f"{READ} → self.encode(images)[:, 1:].mean(dim=1)",
        f"{READ} → self.encode(images)[:, -1]", (NO_TOKEN, f"{READ} → self.encode(images).mean(dim=1)"),
                     (NO_TOKEN,), f"{READ} → self.encode(images)[:, 1]", f"{READ} → self.encode(images).amax(dim=1)",
                     ("torch.cat([first, x], dim=1) → x", f"{READ} → self.encode(images).mean(dim=1)")],
        "norm-of-one": [f"{READ} → self.encode(images).mean(dim=1)", f"{READ} → self.encode(images)[:, 1:].mean(dim=1)"],
    },
    "no-positions": {
        "solution": [f"{JOINED} → torch.cat([first, x], dim=1)",
        f"{JOINED} → torch.cat([first + self.positions.table[0], x], dim=1)",
                     ("self.positions(torch.cat → (torch.cat",
        "        x = self.dropout( →         self.positions(x[:, :1]); x = self.dropout(")],
        "places-apart": [(".mT + table[1:] → .mT", " + table[0]) → )"), ".mT + table[1:] → .mT"],
    },
    "no-final-norm": {
        "solution": [f"{NORMED} → return x", "self.norm = LayerNorm(d_model, 1e-12) → self.norm = nn.Identity()"],
        "norm-of-one": "self.norm(self.encode(images)[:, 0]) → self.encode(images)[:, 0]",
    },
})  # fmt: skip

# box_iou

LOW, CLAMP, MINUS, RATIO = "low = torch.maximum(", ".clamp(min=0)", "[None, :] - common", "common / union.masked_fill"
edits("box_iou", {
    "not-differentiable": f"{LOW} → a, b = a.detach(), b.detach()\n    {LOW}",
    "changes-input": f"{LOW} → a -= b.mean(0) * 0 + 1; b -= 1\n    {LOW}",
    "float32-inside": f"{RATIO} → common.float().to(union.dtype) / union.masked_fill",
    "no-clamp": {
        "solution": [f"{CLAMP} →", f"{CLAMP} → .abs()"], "tiny": "torch.relu(high - low) → (high - low)",
        "masked-place": "torch.where(high > low, high - low, torch.zeros_like(high)) → (high - low)",
    },
    "union-not-corrected": {"solution": f"{MINUS} → [None, :]", "four-columns": " - common →"},
})  # fmt: skip
