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

HEAD, PAIRS, REST = "inputs, targets, place = [], [], 0", "zip(sentinel_ids, spans, strict=False)", "+ list(tokens[place:])"
edits("span_corruption", {
    "uses-builtin": {"solution": f"{HEAD} → from utils import reference; "
                                 f"return reference.span_corruption(tokens, spans, sentinel_ids, eos_id)\n    {HEAD}"},
    "changes-input": {
        "solution": [f"{HEAD} → {HEAD}; tokens.append(eos_id); tokens.pop(0) if False else None",
                     f"{PAIRS} → zip(list(sentinel_ids), [spans.pop(0) for _ in range(len(spans))])"],
        "from-the-back": "list(tokens) → tokens",
        "iterator": "next(names) → sentinel_ids.pop(0)",
    },
    "same-sentinel": {
        "solution": [f"{PAIRS} → [(sentinel_ids[0], span) for span in spans]",
                     f"{PAIRS} → [(sentinel_ids[-1], span) for span in spans]",
                     (" sentinel]\n →  sentinel_ids[0]]\n", "[sentinel, *tokens → [sentinel_ids[0], *tokens")],
        "from-the-back": "sentinel_ids[number] → sentinel_ids[0]", "iterator": "next(names) → sentinel_ids[0]",
        "while-loop": "sentinel_ids[number] → sentinel_ids[0]", "recursive": "sentinel_ids[1:] → sentinel_ids",
    },
    "no-eos": {
        "solution": [", targets + [eos_id] → , targets", (f"{REST} → {REST} + [eos_id]", ", targets + [eos_id] → , targets")],
        "from-the-back": "targets = list(tokens), [eos_id] → targets = list(tokens), []",
        "while-loop": "[*targets, eos_id] → targets", "recursive": "(list(tokens), [eos_id]) → (list(tokens), [])",
        "iterator": "    targets.append(eos_id)\n →",
    },
})  # fmt: skip

# relative_position_bucket

AHEAD, BEHIND, ZEROS = "(relative_position > 0)", "(-relative_position).clamp(min=0)", "first = torch.zeros_like("
edits("relative_position_bucket", {
    "uses-builtin": {"solution": f"{ZEROS} → from utils import reference; return reference.relative_position_bucket("
                                 f"relative_position, bidirectional, num_buckets, max_distance)\n    {ZEROS}"},
    "changes-input": {
        "solution": ["relative_position.abs() → relative_position.abs_()",
                     "(-relative_position).clamp(min=0) → relative_position.neg_().clamp_(min=0)"],
        "in-place-of-a-copy": "buckets = distance.clone() → buckets = relative_position.copy_(distance)",
    },
    "sign-flipped": {
        "solution": [f"{ZEROS} → relative_position = -relative_position; {ZEROS}", f"{AHEAD} → (relative_position < 0)",
                     f"{BEHIND} → relative_position.clamp(min=0)"],
        "float32": [f"{AHEAD} → (relative_position < 0)",
                    (f"{AHEAD} → (relative_position < 0)", f"{BEHIND} → relative_position.clamp(min=0)")],
        "log-base": "-relative_position.clamp(max=0) → relative_position.clamp(min=0)",
        "one-by-one": "for position in relative_position.reshape(-1) → for position in (-relative_position).reshape(-1)",
    },
    "not-bidirectional": {
        "solution": ["if bidirectional: → if False:", f"num_buckets * {AHEAD} → 0 * relative_position",
                     f"        num_buckets //= 2\n        first = num_buckets * {AHEAD} →",
                     f"first = num_buckets * {AHEAD}\n        distance = relative_position.abs() → distance = {BEHIND}"],
        "boundaries": f"num_buckets * {AHEAD} → 0", "float32": "if bidirectional: → if False:",
        "one-by-one": "(position, half) if bidirectional → (position, 0) if bidirectional",
    },
})  # fmt: skip

# T5


@misconception("T5", "uses-builtin")
class TheReferencesT5(reference.T5):
    pass


SCORES, LAST = "scores = q @ k.transpose(-2, -1)", "@ self.token_embedding.weight.T"
HEADS = "self.num_heads, inner = num_heads, num_heads * d_head"
FLOATED, OUTPUT = "x = self.decoder_norm(x) * x.shape[-1] ** -0.5", " * x.shape[-1] ** -0.5"
INNER = "scores = torch.einsum('bqhd, bkhd -> bhqk', q, k)"
edits("T5", {
    "uses-builtin": {"solution": [
        (f"{HEADS} → {HEADS}; self.whole = nn.MultiheadAttention(d_model, 1, batch_first=True)",
         f"        {SCORES} →         query = self.whole(query, key, key)[0]\n        {SCORES}"),
        ("nn.ModuleList(T5Block(*sizes, crosses=False) for _ in layers) → "
         "nn.ModuleList(nn.TransformerEncoderLayer(d_model, 1, d_ff, batch_first=True) for _ in layers)",
         "            x = block(x, bias)\n →             x = block(x)\n"),
    ]},
    "not-differentiable": {
        "solution": ["x = self.token_embedding(source) → x = self.token_embedding(source).detach()",
                     "return table(buckets).permute → return table.weight.data[buckets].permute",
                     "block(x, bias, memory, → block(x, bias, memory.detach(),"],
        "boolean-masks": "table.weight.T[:, → table.weight.detach().T[:,",
    },
    "changes-input": {"solution": [
        "x = self.token_embedding(source) → source %= self.token_embedding.num_embeddings - 1; x = self.token_embedding(source)",
        "x, length = self.token_embedding(target_in), → target_in[:, 0] = 0; x, length = self.token_embedding(target_in),",
    ]},
    "float32-inside": {"solution": [f"{SCORES} + bias → scores = (q.float() @ k.float().transpose(-2, -1)).to(q.dtype) + bias",
                                    f"{FLOATED} → x = self.decoder_norm(x).float().to(x.dtype){OUTPUT}"],
                       "functions": "bhqk', q, k) + bias → bhqk', q.float(), k.float()).to(q.dtype) + bias"},
    "scaled-attention": {
        "solution": [f"{SCORES} → {SCORES} * {scale}" for scale in ("q.shape[-1] ** -0.5", "query.shape[-1] ** -0.5")]
        + [f"{SCORES} + bias → scores = (q @ k.transpose(-2, -1) + bias) / math.sqrt(q.shape[-1])",
           f"{SCORES} → {SCORES} / q.shape[-1]",
           f"{SCORES} → {SCORES} / (1.0 if isinstance(bias, float) else q.shape[-1] ** 0.5)",
           f"{SCORES} → {SCORES} / (q.shape[-1] ** 0.5 if isinstance(bias, float) else 1.0)",
           f"{SCORES} → {SCORES} * k.shape[-2] ** -0.5"],
        "sdpa": ", bias, scale=1.0) → , bias)", "exponentials": f"{SCORES} → {SCORES} / math.sqrt(q.shape[-1])",
        "head-by-head": "k[:, h].mT) → k[:, h].mT, alpha=q.shape[-1] ** -0.5)",
        "functions": f"{INNER} → {INNER} / math.sqrt(q.shape[-1])",
    },
    "output-not-scaled": {
        "solution": [f"{OUTPUT} →", f"{FLOATED}\n        return x {LAST} → return self.decoder_norm(x) {LAST}"],
        "boolean-masks": "self.token_embedding.weight / math.sqrt(x.shape[-1]) → self.token_embedding.weight",
        "tied-layer": f"{OUTPUT} →", "functions": " / math.sqrt(y.shape[-1]) →",
    },
})  # fmt: skip

# patchify

CUT, ORDER = "x = images.reshape(", "permute(0, 2, 4, 1, 3, 5)"
UNFOLD = "rows, columns = → return torch.nn.{} \n    rows, columns ="
edits("patchify", {
    "uses-builtin": {"solution": [
        UNFOLD.format("functional.unfold(images, patch_size, stride=patch_size).mT"),
        UNFOLD.format("Unfold(patch_size, stride=patch_size)(images).transpose(1, 2)"),
        UNFOLD.format("functional.unfold(images, (patch_size,) * 2, stride=patch_size).permute(0, 2, 1).contiguous()"),
        "rows, columns = → from utils import reference; return reference.patchify(images, patch_size)\n    rows, columns =",
    ]},
    "not-differentiable": {"solution": [f"{CUT} → x = images.detach().reshape(",
                                        f"{CUT} → x = torch.tensor(images.tolist()).reshape("]},
    "changes-input": {"solution": f"{CUT} → images -= images.mean(); {CUT}", "chunks": "images.split( → images.mul_(2.0).split("},
    "column-order": {
        "solution": [f"{ORDER} → permute(0, 4, 2, 1, 3, 5)", f"{ORDER} → permute(0, 2, 4, 1, 5, 3)",
                     f"{ORDER} → permute(0, 4, 2, 1, 5, 3)"],
        "tensor-unfold": "x.movedim(1, 3).flatten(3).flatten(1, 2) → x.movedim(1, 3).flatten(3).transpose(1, 2).flatten(1, 2)",
        "slices": "for y in range(0, height, patch_size) for x in range(0, width, patch_size)] → "
                  "for x in range(0, width, patch_size) for y in range(0, height, patch_size)]",
    },
    "channels-last": {
        "solution": f"{ORDER} → permute(0, 2, 4, 3, 5, 1)", "tensor-unfold": ".movedim(1, 3) → .movedim(1, 5)",
        "slices": ".reshape(batch, -1) → .permute(0, 2, 3, 1).reshape(batch, -1)",
        "chunks": "patch.flatten(1) → patch.movedim(1, -1).flatten(1)",
    },
})  # fmt: skip

# ViT


@misconception("ViT", "uses-builtin")
class TheReferencesViT(reference.ViT):
    pass


READ, JOINED, NORMED = "self.encode(images)[:, 0]", "self.positions(torch.cat([first, x], dim=1))", "return self.norm(x)"
EMBED = "x = self.patch_embedding(patchify(images, self.patch_size))"
NO_TOKEN = f"{JOINED} → (x + self.positions.table[1:])"
edits("ViT", {
    "uses-builtin": {"solution": [
        ("gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12)\n → nn.TransformerEncoderLayer("
         "d_model, num_heads, d_ff, dropout, 'gelu', 1e-12, True, True)\n"),
        (f"{NORMED} → return self.norm(x) + 0 * self.more(x, x, x)[0]",
         "self.dropout = → self.more = nn.MultiheadAttention(d_model, num_heads, batch_first=True); self.dropout ="),
    ]},
    "not-differentiable": {
        "solution": [f"{EMBED} → {EMBED.replace('images,', 'images.detach(),')}", f"{EMBED} → {EMBED}.detach()",
                     "expand(len(x), 1, -1) → data.expand(len(x), 1, -1)", "x = block(x) → x = block(x.detach())",
                     "nn.Parameter(torch.zeros(d_model)) → nn.Parameter(torch.zeros(d_model), requires_grad=False)"],
        "places-apart": "table = self.positions.table → table = self.positions.table.detach()",
    },
    "changes-input": {"solution": f"{EMBED} → images -= images.mean(); {EMBED}", "torch-norms": "p = self.patch_size → "
                      "p = self.patch_size; images.clamp_(-1, 1)"},
    "float32-inside": {"solution": ["first = → x = x.float().to(x.dtype); first =",
                                    f"{NORMED} → return self.norm(x).float().to(x.dtype)"],
                       "norm-of-one": "return x\n → return x.float().to(x.dtype)\n"},
    "no-class-token": {
        "solution": [f"{READ} → self.encode(images).mean(dim=1)", f"{READ} → self.encode(images)[:, 1:].mean(dim=1)",
                     f"{READ} → self.encode(images)[:, -1]", (NO_TOKEN, f"{READ} → self.encode(images).mean(dim=1)"),
                     (NO_TOKEN,), f"{READ} → self.encode(images)[:, 1]", f"{READ} → self.encode(images).amax(dim=1)",
                     ("torch.cat([first, x], dim=1) → x", f"{READ} → self.encode(images).mean(dim=1)")],
        "norm-of-one": [f"{READ} → self.encode(images).mean(dim=1)", f"{READ} → self.encode(images)[:, 1:].mean(dim=1)"],
        "places-apart": ("torch.cat((first, x), 1) → x", f"{READ} → self.encode(images).mean(dim=1)"),
        "functions": "self.norm('vit.layernorm', x[:, 0]) → self.norm('vit.layernorm', x).mean(dim=1)",
    },
    "no-positions": {
        "solution": [f"{JOINED} → torch.cat([first, x], dim=1)",
                     f"{JOINED} → torch.cat([first + self.positions.table[0], x], dim=1)",
                     ("self.positions(torch.cat → (torch.cat",
                      "        x = self.dropout( →         self.positions(x[:, :1]); x = self.dropout(")],
        "places-apart": [("patch_size)) + table[1:] → patch_size))", " + table[0]) → )"),
                         "patch_size)) + table[1:] → patch_size))"],
        "functions": "torch.cat((first, x), 1) + self['vit.embeddings.position_embeddings'] → torch.cat((first, x), 1)",
    },
    "no-final-norm": {
        "solution": [f"{NORMED} → return x", "self.norm = LayerNorm(d_model, 1e-12) → self.norm = nn.Identity()"],
        "norm-of-one": "self.norm(self.encode(images)[:, 0]) → self.encode(images)[:, 0]",
        "sequential": "self.norm(self.blocks(x)) → self.blocks(x)",
        "functions": "self.norm('vit.layernorm', x[:, 0]) → x[:, 0]",
    },
})  # fmt: skip

# box_iou

LOW, CLAMP, MINUS, RATIO = "low = torch.maximum(", ".clamp(min=0)", "[None, :] - common", "common / union.masked_fill"
SHARED = "if x1 > x0 and y1 > y0 else 0.0 * (x0 + x1)"
edits("box_iou", {
    "uses-builtin": {"solution": f"{LOW} → from utils import reference; return reference.box_iou(a, b)\n    {LOW}"},
    "not-differentiable": {
        "solution": [f"{LOW} → a, b = a.detach(), b.detach()\n    {LOW}", "high = → a = torch.from_numpy(a.detach().numpy()); "
                     "b = torch.from_numpy(b.detach().numpy()); low = torch.maximum(a[:, None, :2], b[None, :, :2]); high ="],
        "masked-place": "common[there] / → common[there].detach() /",
    },
    "changes-input": {"solution": [f"{LOW} → a -= b.mean(0) * 0 + 1; b -= 1\n    {LOW}",
                                   f"{LOW} → a[:, 2:] = torch.maximum(a[:, 2:], a[:, :2]) + 0.5\n    {LOW}"]},
    "float32-inside": {"solution": [(f"{LOW} → dtype = a.dtype; a, b = a.float(), b.float()\n    {LOW}",
                                     "masked_fill(empty, 1.0)) → masked_fill(empty, 1.0)).to(dtype)"),
                                    f"{RATIO} → common.float().to(union.dtype) / union.masked_fill"]},
    "no-clamp": {
        "solution": f"{CLAMP} →", "four-columns": ".clamp_min(0) →", "tiny": "torch.relu(high - low) → (high - low)",
        "masked-place": "torch.where(high > low, high - low, torch.zeros_like(high)) → (high - low)",
        "pair-by-pair": f" {SHARED} →", "expanded": [f"{CLAMP} →", f"{CLAMP} → .abs()"],
    },
    "union-not-corrected": {
        "solution": f"{MINUS} → [None, :]", "four-columns": " - common →", "expanded": ".flatten() - common → .flatten()",
        "pair-by-pair": "area(*one) + area(*other) - shared → area(*one) + area(*other)",
    },
})  # fmt: skip
