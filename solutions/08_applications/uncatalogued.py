"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

# mask_tokens

CHOSEN, LABELS = "chosen = (chance < rate) & ~is_special", "torch.where(chosen, tokens, -100)"
edits("mask_tokens", {
    "has zeros for labels": "tokens, -100) → tokens, 0)",
    "labels what it put there": f"{LABELS} → torch.where(chosen, inputs, -100)",
    "labels the blanks alone": f"{LABELS} → torch.where(inputs == mask_id, tokens, -100).where(~is_special, -100)",
    "labels all but the chosen": f"{LABELS} → torch.where(chosen, -100, tokens)",
    "chooses as many in every row": f"{CHOSEN} → "
        "number = chance.masked_fill(is_special, 2.0).argsort(-1).argsort(-1)\n"
        "    chosen = (number < rate * (~is_special).sum(-1, keepdim=True)) & ~is_special",
    "chooses whole rows": f"{CHOSEN} → chosen = (chance[:, :1] < rate) & ~is_special",
    "chooses the same places in every row": f"{CHOSEN} → chosen = (chance[:1] < rate) & ~is_special",
    "chooses pairs of neighbours": f"{CHOSEN} → "
        "chosen = (torch.minimum(chance, chance.roll(1, 1)) < 1 - (1 - rate) ** 0.5) & ~is_special",
    "knows one rate": "chance < rate → chance < 0.15",
    "draws special ids too": "if i not in special]) → if True])",
    "never draws another id": "(fate >= 0.9) → (fate > 2)",
    "draws another id for a tenth of the rest": "fate >= 0.9 → fate >= 0.98",
    "masks nine of ten": "fate < 0.8 → fate < 0.9",
    "draws one id for all": "ordinary[picks] → ordinary[picks[0, 0]]",
    "draws the first hundred ids": "torch.randint(len(ordinary), → torch.randint(len(ordinary) // 2,",
    "has its own seed": "generator=generator → generator=torch.Generator().manual_seed(0)",
    "lets the generator choose places alone": "tokens.shape, generator=generator) → tokens.shape)",
    "takes the next id for a random one": "ordinary[picks].to(tokens) → ((tokens + 1) % vocab_size)",
    "labels special tokens": f"{LABELS} → torch.where(chosen | is_special, tokens, -100)",
    "leaves the ids on the CPU": "torch.tensor(list(special)).to(tokens) → torch.tensor(list(special))",
    "returns floating numbers": "return inputs, → return inputs.float(),",
})  # fmt: skip

# Bert

SUMMED, STEP = "self.dropout(self.norm(self.positions(x)))", "x = block(x, mask=mask)"
edits("Bert", {
    "adds nothing where no segments are given": {"sequential": "(kinds[0] if segments is None → (0.0 if segments is None"},
    "takes segment 1 where none are given": "zeros_like(tokens) → ones_like(tokens)",
    "inverts the mask": f"{STEP} → x = block(x, mask=mask if mask is None else ~mask)",
    "looks back alone": f"{STEP} → see = torch.ones(x.shape[1], x.shape[1], device=x.device).tril().bool()\n"
        "            x = block(x, mask=see if mask is None else see & mask)",
    "has no positions": f"{SUMMED} → self.dropout(self.norm(x))",
    "has no norm on the sum": f"{SUMMED} → self.dropout(self.positions(x))",
    "norms before the positions": f"{SUMMED} → self.dropout(self.positions(self.norm(x)))",
    "scales the embeddings": "self.token_embedding(tokens) + → self.token_embedding(tokens) * self.norm.weight.numel()**0.5 +",
    "norms first": "dropout, eps=eps → dropout, norm_first=True, eps=eps",
    "has a norm at the end": "        return x\n → \n        return F.layer_norm(x, x.shape[-1:])\n",
    "gives eps to the first norm alone": "dropout, eps=eps → dropout",
    "gives eps to the blocks alone": "self.norm = LayerNorm(d_model, eps) → self.norm = LayerNorm(d_model)",
    "has no activation": "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)",
    "goes through its first block alone": "in self.blocks: → in self.blocks[:1]:",
    "goes through one block several times": f"{STEP} → x = self.blocks[0](x, mask=mask)",
    "keeps its blocks in a plain list": "self.blocks = nn.ModuleList( → self.blocks = list(",
    "drops out in evaluation too": {"sequential": "self.rate, self.training) → self.rate)"},
    "never drops out": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → ("),
    "makes segments on the CPU": "torch.zeros_like(tokens) → torch.zeros(tokens.shape, dtype=torch.long)",
    "asserts": {"library-norms": "if seq > len(self.positions.table): → "
        "assert seq <= len(self.positions.table)\n        if False:"},
    "cuts long texts": "if segments is None: → tokens = tokens[:, :len(self.positions.table)]\n        if segments is None:",
    "gives the class token alone": "        return x\n → \n        return x[:, 0]\n",
    "mixes the rows": "        return x\n → \n        return x + 0.1 * x.mean(0, keepdim=True)\n",
    "takes any weights": "\"bert\", state_dict → \"bert\", {n: x for n, x in state_dict.items() if 'surplus' not in n}",
})  # fmt: skip

# next_token_loss

PAIR, LOSS = "said, right = logits[:, :-1], tokens[:, 1:]", "F.cross_entropy(said.flatten(0, 1), right.flatten())"
edits("next_token_loss", {
    "asks for the token before": f"{PAIR} → said, right = logits[:, 1:], tokens[:, :-1]",
    "asks for the token after the next": f"{PAIR} → "
        f"said, right = logits[:, :-2] if len(logits[0]) > 2 else logits[:, :1], "
        "tokens[:, 2:] if len(logits[0]) > 2 else tokens[:, 1:]",
    "asks the last place for the first token": f"{PAIR} → said, right = logits, tokens.roll(-1, 1)",
    "adds and does not divide": "right.flatten()) → right.flatten(), reduction='sum')",
    "divides by all places": f"{LOSS} → {LOSS} * (1 - 1 / tokens.shape[1])",
    "gives one loss a place": "right.flatten()) → right.flatten(), reduction='none')",
    "takes a softmax before": "said.flatten(0, 1) → said.flatten(0, 1).softmax(-1)",
    "takes the logarithm to base 2": f"{LOSS} → {LOSS} / 0.6931472",
    "smooths": "right.flatten()) → right.flatten(), label_smoothing=0.1)",
    "leaves out token 0": "right.flatten()) → right.flatten(), ignore_index=0)",
    "has the wrong sign": f"{LOSS} → -{LOSS}",
    "asks the last place alone": f"{PAIR} → said, right = logits[:, -2:-1], tokens[:, -1:]",
    "gives a Python number": f"{LOSS} → {LOSS}.item()",
    "gives the perplexity": f"{LOSS} → {LOSS}.exp()",
})  # fmt: skip

# Gpt

TIED, STEP = "self.norm(x) @ self.token_embedding.weight.T", "x = block(x, mask=mask)"
EMBEDDED = "self.dropout(self.positions(self.token_embedding(tokens)))"
edits("Gpt", {
    "has no positions": f"{EMBEDDED} → self.dropout(self.token_embedding(tokens))",
    "scales the embeddings": "self.positions(self.token_embedding(tokens)) → "
        "self.positions(self.token_embedding(tokens) * tokens.shape[1] ** 0.5)",
    "norms last": "norm_first=True → norm_first=False",
    "norms the embeddings": f"{EMBEDDED} → F.layer_norm({EMBEDDED}, (self.norm.weight.numel(),))",
    "norms with a smaller eps": "approximate=\"tanh\") → approximate=\"tanh\", eps=1e-12)",
    "has a final norm of a smaller eps": "self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model, 1e-12)",
    "gives probabilities": f"{TIED} → ({TIED}).softmax(-1)",
    "scales the logits": f"{TIED} → {TIED} * x.shape[-1] ** -0.5",
    "has no activation": "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)",
    "has a feed-forward network of twice the width": "4 * d_model → 2 * d_model",
    "sees the one before alone": "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → "
        "near = torch.ones(x.shape[1], x.shape[1], device=x.device).tril(); mask = (near - near.tril(-2)).bool()",
    "does not see itself": {"library-norms": "place[:, None] >= place → (place[:, None] > place) | (place == 0)"},
    "goes through its first block alone": "in self.blocks: → in self.blocks[:1]:",
    "shifts the logits": f"{TIED} → ({TIED}).roll(1, 1)",
    "gives the last logits alone": f"return {TIED} → return ({TIED})[:, -1]",
    "has an output with a bias": ("self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model)\n"
        "        self.output = nn.Linear(d_model, vocab_size)", f"{TIED} → self.output(self.norm(x))"),
    "drops out in evaluation too":
        "nn.Dropout(dropout)\n        self.blocks → lambda x: F.dropout(x, dropout)\n        self.blocks",
    "never drops out": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → ("),
    "leaves the mask on the CPU": "(tokens.shape[1]).to(x.device) → (tokens.shape[1])",
    "cuts long texts": "x = self.dropout(self.positions → tokens = tokens[:, :len(self.positions.table)]\n"
        "        x = self.dropout(self.positions",
    "raises an IndexError": {"looked-up": "ValueError → IndexError"},
})  # fmt: skip

# sample_token

DIVIDED, DRAWN = "logits = logits / temperature", "torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)"
edits("sample_token", {
    "takes the likeliest": f"{DRAWN} → logits.argmax(-1, keepdim=True)",
    "draws evenly from what is left": f"{DRAWN} → " f"torch.multinomial(logits.isfinite().double(), 1, generator=generator)",
    "ignores the temperature": f"    {DIVIDED} →     logits = logits * 1.0",
    "divides after the filters": (f"    {DIVIDED} →", "choices = → logits = logits / temperature\n    choices ="),
    "takes the root of the temperature": f"{DIVIDED} → logits = logits / temperature ** 0.5",
    "divides probabilities by the temperature": {"rows":
        "torch.softmax(values / temperature, 0) → torch.softmax(values, 0) / temperature"},
    "keeps one more than k": "min(top_k, → min(top_k + 1,",
    "keeps one less than k": "min(top_k, logits.shape[-1]) → max(1, min(top_k, logits.shape[-1]) - 1)",
    "keeps the smallest k": ("logits.topk(top_k, dim=-1) → logits.topk(top_k, dim=-1, largest=False)",
        "logits < smallest → logits > smallest"),
    "cannot have k above the vocabulary": "        top_k = min(top_k, logits.shape[-1])\n →",
    "forgets top-k where top-p is given": "if top_k is not None: → if top_k is not None and top_p is None:",
    "forgets top-p where top-k is given": "if top_p is not None: → if top_p is not None and top_k is None:",
    "never warms up": "logits / temperature → logits / max(temperature, 1)",
    "adds up from the least likely": ("descending=True → descending=False",),
    "keeps tokens of more than p": "(before >= top_p) & (before > 0) → (ordered < top_p) & (before > 0)",
    "keeps one more than reaches p": "before >= top_p → before - ordered >= top_p",
    "cuts all rows like the first": "(before >= top_p) & (before > 0) → "
        "((before >= top_p) & (before > 0))[:1].expand_as(before)",
    "forgets the order that it sorted": "-1, ids, (before >= top_p) → -1, ids.sort(-1).values, (before >= top_p)",
    "ignores the generator": "1, generator=generator → 1",
    "has its own seed": "1, generator=generator → 1, generator=generator or torch.Generator().manual_seed(0)",
    "draws one number for all rows": {"inverse": "torch.rand(len(logits), 1, → torch.rand(1, 1,"},
    "divides by temperature 0": "    if temperature == 0:\n        return logits.argmax(dim=-1)\n →",
    "has a softmax over the rows": "multinomial(logits.softmax(dim=-1) → multinomial(logits.softmax(dim=0)",
    "keeps an axis": "choices.squeeze(-1) → choices",
    "drops every axis": "choices.squeeze(-1) → choices.squeeze()",
    "gives int32": "choices.squeeze(-1) → choices.squeeze(-1).int()",
    "gives places in the sorted order": {"rows": "ids[torch.multinomial(p[:kept], 1, generator=generator)[0]] → "
        "torch.multinomial(p[:kept], 1, generator=generator)[0]"},
    "leaves noise on the CPU": {"gumbel": ".to(logits.device) →"},
})  # fmt: skip

# generate

WITH, WRITTEN = "    with evaluating(model):", "new = sampler(logits[:, -1]).unsqueeze(1)"
edits("generate", {
    "takes the likeliest": "sampler(logits[:, -1]) → logits[:, -1].argmax(-1)",
    "looks at the first place": "logits[:, -1] → logits[:, 0]",
    "hands probabilities of all places to the sampler": "sampler(logits[:, -1]) → sampler(logits.flatten(0, 1))[:len(tokens)]",
    "gives the new tokens alone": "return tokens → return tokens[:, -max_new_tokens:] if max_new_tokens else tokens[:, :0]",
    "makes one step less": "range(max_new_tokens) → range(max_new_tokens - 1)",
    "makes one step more": "range(max_new_tokens) → range(max_new_tokens + 1)",
    "puts new tokens in front": "[tokens, new] → [new, tokens]",
    "reads the last token alone without a cache": "logits = model(tokens) → logits = model(new)",
    "never uses the cache": "cached = use_cache and → cached = False and",
    "always uses the cache": "cached = use_cache and → cached =",
    "wants a cache of every model": "cached = use_cache and hasattr(model, \"extend\") → cached = use_cache",
    "forgets the past": "model.extend(new, past) → model.extend(new, None)",
    "hands the whole text to a cache that has it": "model.extend(new, past) → model.extend(tokens, past)",
    "reads the text once without the cache": "logits = model(tokens) → logits = model(tokens[:, -7:])",
    "has gradients on": "with torch.no_grad() → with torch.enable_grad()",
    "leaves everything in training mode": "part.training = training_flag → part.training = True",
    "leaves everything in evaluation mode": "part.training = training_flag → pass",
    "sets one mode for all": "part.training = training_flag → model.train(flags[model])",
    "forgets the modes after an error": ("try: → if True:", "finally: → if True:"),
    "swallows the error": "finally: → except ValueError:\n        pass\n    finally:",
    "raises another error": "finally: → except ValueError:\n        raise RuntimeError('too long') from None\n    finally:",
    "drops an axis": "logits[:, -1] → logits[:, -1].squeeze()",
    "writes on the first row for all": f"{WRITTEN} → " f"new = sampler(logits[:, -1])[:1].expand(len(tokens)).unsqueeze(1)",
    "gives lists": "return tokens → return tokens.tolist()",
})  # fmt: skip

# span_corruption

PAIRS, END = "zip(sentinel_ids, spans, strict=False)", ", targets + [eos_id]"
edits("span_corruption", {
    "closes with a sentinel": f"{END} → , targets + [sentinel_ids[len(spans)], eos_id]",
    "ends the inputs with eos": "list(tokens[place:]) → list(tokens[place:]) + [eos_id]",
    "has no sentinels in the targets": "[sentinel, *tokens[start:place]] → tokens[start:place]",
    "has no sentinels in the inputs": ", sentinel] → ]",
    "puts the sentinel behind its tokens": "[sentinel, *tokens[start:place]] → [*tokens[start:place], sentinel]",
    "takes the second number for an end": "start + length → length",
    "has one token more in each span": "start + length → start + length + 1",
    "takes the sentinels from the back": f"{PAIRS} → zip(sentinel_ids[::-1], spans)",
    "counts the sentinels down itself": f"{PAIRS} → " "zip(range(sentinel_ids[0], 0, -1), spans)",
    "loses what follows the last span": "inputs + list(tokens[place:]) → inputs",
    "joins spans that touch": ", sentinel] → ] + [sentinel] * (start > place or not place)",
    "has a sentinel for each token": ", sentinel] → ] + [sentinel] * length",
    "forgets a span at the start": f"{PAIRS} → [pair for pair in {PAIRS} if pair[1][0]]",
    "turns the pair round": "return inputs + list(tokens[place:]), targets + [eos_id] → "
        "return targets + [eos_id], inputs + list(tokens[place:])",
    "returns floats": {"tensors": "torch.tensor(tokens) → torch.tensor(tokens).float()"},
    "finds a span by its tokens": "inputs += [*tokens[place:start], sentinel] → "
        "start = tokens.index(tokens[start]); inputs += [*tokens[place:start], sentinel]",
})  # fmt: skip

# relative_position_bucket

LOGARITHM, SHARE = "torch.log(distance.clamp(min=1).double() / exact)", "(share * (num_buckets - exact)).long()"
edits("relative_position_bucket", {
    "is always bidirectional": "if bidirectional: → if True:",
    "never halves the buckets": "        num_buckets //= 2\n →",
    "has 32 buckets": "    exact = → \n    num_buckets = 16 if bidirectional else 32\n    exact =",
    "reaches to 128 always": "math.log(max_distance → math.log(128",
    "stops at the exact ones": "torch.where(distance < exact, distance, far) → distance.clamp(max=exact)",
    "widens in a straight line": f"{LOGARITHM} / math.log(max_distance / exact) → "
        "(distance - exact).double() / (max_distance - exact)",
    "runs over its last bucket": "    far = far.clamp(max=num_buckets - 1)\n →",
    "rounds up": f"{SHARE} → (share * (num_buckets - exact)).ceil().long()",
    "rounds": f"{SHARE} → (share * (num_buckets - exact)).round().long()",
    "returns floats": f"exact + {SHARE} → exact + (share * (num_buckets - exact)).floor()",
    "returns int32": "return first + torch.where(distance < exact, distance, far) → "
        "return (first + torch.where(distance < exact, distance, far)).int()",
    "counts keys ahead by their distance in one direction": "(-relative_position).clamp(min=0) → relative_position.abs()",
    "counts all keys ahead as one": "relative_position.abs() → (-relative_position).clamp(min=0)",
    "leaves the logarithm out of the length": "math.log(max_distance / exact) → math.log(max_distance)",
    "leaves the boundaries on the CPU": {"boundaries": ", device=distance.device →"},
    "drops axes of size 1": "return first + torch.where(distance < exact, distance, far) → "
        "return (first + torch.where(distance < exact, distance, far)).squeeze()",
    "takes its own place for one ahead": "relative_position > 0 → relative_position >= 0",
    "gives the distance itself, cut": "exact = num_buckets // 2 → return relative_position.abs().clamp(max=31)",
})  # fmt: skip

# T5

BIAS = "bias = self.position_bias(self.decoder_bias, length, False)"
MEMORY = "memory_bias = as_bias(source_mask, x).unsqueeze(-3)"
OUTPUT, PLACES = " * x.shape[-1] ** -0.5", "place - place[:, None]"
edits("T5", {
    "scales the output twice": f"{OUTPUT} →  / x.shape[-1]",
    "scales the output up": f"{OUTPUT} →  * x.shape[-1] ** 0.5",
    "scales the embeddings": "x = self.token_embedding(source) → x = self.token_embedding(source) * 2.0",
    "sees the future": f"{BIAS} + as_bias(past, x) → {BIAS}",
    "sees one token too many": "past = create_look_ahead_mask(length) → past = torch.ones(length, length, "
        "dtype=torch.bool).tril(1)",
    "ignores the mask in the encoder": "bias = bias + as_bias(source_mask, x).unsqueeze(-3) → pass",
    "ignores the mask in cross-attention": f"{MEMORY} → pass",
    "ignores the mask": "if source_mask is not None → if False",
    "turns the mask round": "masked_fill(~mask, → masked_fill(mask,",
    "has NaN where nothing is seen": "scores.masked_fill(blind, 0.0).softmax(dim=-1).masked_fill(blind, 0.0) → "
        "scores.softmax(dim=-1)",
    "looks everywhere where nothing is seen": "softmax(dim=-1).masked_fill(blind, 0.0) → softmax(dim=-1)",
    "has no bias in the encoder": "return table(buckets).permute(2, 0, 1) → "
        "return table(buckets).permute(2, 0, 1) * (0.0 if bidirectional else 1.0)",
    "has one table for both stacks": "self.position_bias(self.decoder_bias → self.position_bias(self.encoder_bias",
    "takes the query's place minus the key's": f"{PLACES} → place[:, None] - place",
    "looks both ways in the decoder": "self.decoder_bias, length, False → self.decoder_bias, length, True",
    "looks one way in the encoder": "source.shape[1], True → source.shape[1], False",
    "has the defaults of the buckets": "self.num_buckets, self.max_distance) → num_buckets=self.num_buckets)",
    "counts distances from one": f"{PLACES} → {PLACES} - 1",
    "norms the memory again": "self.cross_attention(self.norm2(x), memory → self.cross_attention(self.norm2(x), "
        "self.norm2(memory)",
    "hands the memory on without its norm": "return self.encoder_norm(x) → return x",
    "has no norm at the decoder's end": "self.decoder_norm(x) * → x *",
    "norms behind its sublayers": "x = x + self.self_attention(normed, normed, bias) → "
        "x = self.norm1(x + self.self_attention(x, x, bias))",
    "norms queries alone": "self.self_attention(normed, normed, bias) → self.self_attention(normed, x, bias)",
    "leaves out a residual": "x = x + self.cross_attention( → x = self.cross_attention(",
    "has layer norms": "self.norm1, self.norm2 = RMSNorm(d_model), RMSNorm(d_model) → "
        "self.norm1, self.norm2 = (nn.LayerNorm(d_model, 1e-6, bias=False) for _ in range(2))",
    "has another eps": "self.encoder_norm, self.decoder_norm = RMSNorm(d_model), RMSNorm(d_model) → "
        "self.encoder_norm, self.decoder_norm = RMSNorm(d_model, 1e-5), RMSNorm(d_model, 1e-5)",
    "has GELU": "self.feed_forward.relu = nn.ReLU() → self.feed_forward.relu = nn.GELU()",
    "adds the bias of places in cross-attention": "memory_bias = 0.0 → memory_bias = self.position_bias("
        "self.decoder_bias, max(length, memory.shape[1]), False)[:, :length, :memory.shape[1]]",
    "has an output of its own": {"tied-layer": "; self.output.weight = self.token_embedding.weight →"},
    "goes through one block of the encoder": "in self.encoder: → in self.encoder[:1]:",
    "has one block under several names": "nn.ModuleList(T5Block(*sizes, crosses=False) for _ in layers) → "
        "nn.ModuleList([T5Block(*sizes, crosses=False)] * num_layers)",
    "makes its places on the CPU": ", device=table.weight.device →",
    "has biases": "self.w_o = nn.Linear(inner, d_model, bias=False) → self.w_o = nn.Linear(inner, d_model)",
})  # fmt: skip

# patchify

CUT, ORDER = "images.reshape(batch, channels, rows, patch_size, columns, patch_size)", "permute(0, 2, 4, 1, 3, 5)"
edits("patchify", {
    "cuts and moves nothing": f"x.{ORDER} → x",
    "has rows in front of the channels": f"{ORDER} → permute(0, 2, 4, 3, 1, 5)",
    "swaps patches and pixels": f"{ORDER} → permute(0, 3, 5, 1, 2, 4)",
    "mixes up patches and pixels": f"{CUT} → images.reshape(batch, channels, patch_size, rows, patch_size, columns)",
    "takes the first channel for all": {"slices": "images[:, :, → images[:, :1].expand_as(images)[:, :,"},
    "keeps the axes of the patches": ".reshape(batch, rows * columns, -1) → .reshape(batch, rows, columns, -1)",
    "puts the patches last": ".reshape(batch, rows * columns, -1) → .reshape(batch, rows * columns, -1).mT",
    "looks at the height alone": "height % patch_size or width % patch_size → height % patch_size",
    "looks at the width alone": "height % patch_size or width % patch_size → width % patch_size",
    "looks at the area": "height % patch_size or width % patch_size → height * width % patch_size ** 2",
    "asserts": "if height % patch_size or width % patch_size: → if True: "
        "assert height % patch_size == 0 and width % patch_size == 0, (height, width, patch_size)\n    if False:",
    "names no value": "{height} x {width} does not split by patch_size={patch_size} → the picture does not split into patches",
    "cuts off what is left over": {"slices": "if height % patch_size or width % patch_size: → "
        "height, width = height // patch_size * patch_size, width // patch_size * patch_size\n    if False:"},
    "reads the memory as if it lay in one piece":
        f"{CUT} → torch.as_strided(images, (batch, channels, rows, patch_size, columns, patch_size), "
        "(channels * height * width, height * width, patch_size * width, width, patch_size, 1))",
    "takes squares alone": "columns = height // patch_size, width // patch_size → "
        "columns = height // patch_size, height // patch_size",
    "returns float32": ".reshape(batch, rows * columns, -1) → .reshape(batch, rows * columns, -1).float()",
    "scales to colours": "images.reshape( → (images / 255).reshape(",
})  # fmt: skip

# ViT

JOINED, EMBED = "self.positions(torch.cat([first, x], dim=1))", "self.patch_embedding(patchify(images, self.patch_size))"
edits("ViT", {
    "has the class token at the end": ("torch.cat([first, x], dim=1) → torch.cat([x, first], dim=1)",
        "self.encode(images)[:, 0] → self.encode(images)[:, -1]"),
    "adds positions to the patches alone": f"{JOINED} → torch.cat([first, x + self.positions.table[1:]], dim=1)",
    "counts positions from the patches": f"{JOINED} → torch.cat([first, self.positions(x)], dim=1)",
    "has its norms behind": "norm_first=True, → norm_first=False,",
    "has tanh in its GELU": "norm_first=True, eps=1e-12 → norm_first=True, eps=1e-12, approximate='tanh'",
    "has ReLU blocks": "gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12) → "
        "EncoderBlock(d_model, num_heads, d_ff, dropout, norm_first=True)",
    "has another eps in its blocks": "norm_first=True, eps=1e-12 → norm_first=True",
    "has another eps at the end": "LayerNorm(d_model, 1e-12) → LayerNorm(d_model)",
    "goes through one block": "in self.blocks: → in self.blocks[:1]:",
    "has one block under several names": (
        "            gelu_block( →             [gelu_block(", "eps=1e-12)\n            for _ in range(num_layers)) → "
        "eps=1e-12)] * num_layers)"),
    "drops in evaluation as well": "nn.Dropout(dropout) → lambda x: F.dropout(x, dropout)",
    "drops nothing": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → ("),
    "returns probabilities": "self.classifier(self.encode(images)[:, 0]) → "
        "self.classifier(self.encode(images)[:, 0]).softmax(dim=-1)",
    "reads pixels before channels": {"torch-norms": "permute(0, 2, 3, 1, 4, 5) → permute(0, 2, 3, 4, 5, 1)"},
    "has a hidden layer to classify": ("nn.Linear(d_model, num_classes) → nn.Linear(d_model, num_classes); "
        "self.pooler = nn.Linear(d_model, d_model)",
        "self.encode(images)[:, 0] → self.pooler(self.encode(images)[:, 0]).tanh()"),
    "names its blocks otherwise": "self.blocks → self.layers",
    "forgets to attend": "x = block(x) → x = block.feed_forward(block.norm2(x)) + x",
    "makes its table on the CPU": {"written-into-a-table": "x.new_empty(len(x), x.shape[1] + 1, x.shape[2]) → "
        "torch.empty(len(x), x.shape[1] + 1, x.shape[2], dtype=x.dtype)"},
})  # fmt: skip

# box_iou

CLAMP, RATIO = ".clamp(min=0)", "torch.where(empty, 0.0, common / union.masked_fill(empty, 1.0))"
edits("box_iou", {
    "gives the shared area": f"return {RATIO} → return common",
    "divides by the first area": "common / union.masked_fill → common / area_a[:, None].expand_as(union).masked_fill",
    "divides by the smaller area": "union = area_a[:, None] + area_b[None, :] - common → "
        "union = torch.minimum(area_a[:, None], area_b[None, :])",
    "has NaN where nothing is covered": f"return {RATIO} → return common / union",
    "hides NaN behind a where": f"return {RATIO} → return torch.where(empty, 0.0, common / union)",
    "adds a little below": f"return {RATIO} → return common / (union + 1e-6)",
    "has 1 where nothing is covered": "torch.where(empty, 0.0, → torch.where(empty, 1.0,",
    "compares a box with the one in its row": ("[:, None, :2] → [:, :2]", "[None, :, :2] → [:, :2]",
        "[:, None, 2:] → [:, 2:]", "[None, :, 2:] → [:, 2:]", "area_a[:, None] + area_b[None, :] → area_a + area_b"),
    "turns rows and columns round": f"return {RATIO} → return {RATIO}.T",
    "takes width and height for corners": (
        "a[:, None, 2:], b[None, :, 2:] → (a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None]",
        "(x[:, 2:] - x[:, :2]) → x[:, 2:]"),
    "counts pixels": ("(high - low) → (high - low + 1)", "(x[:, 2:] - x[:, :2]) → (x[:, 2:] - x[:, :2] + 1)"),
    "cuts the area and not the sides": ".clamp(min=0).prod(dim=-1) → .prod(dim=-1).clamp(min=0)",
    "joins boxes with an outer one": "union = area_a[:, None] + area_b[None, :] - common → "
        "union = (torch.maximum(a[:, None, 2:], b[:, 2:]) - torch.minimum(a[:, None, :2], b[:, :2])).prod(-1)",
    "needs at least one box": "low = → assert len(a) and len(b); low =",
    "returns float32": f"return {RATIO} → return {RATIO}.float()",
    "makes its zeros on the CPU": {"masked-place": "torch.zeros_like(union) → torch.zeros(len(a), len(b), dtype=a.dtype)"},
})  # fmt: skip
