"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

# mask_tokens

CHOSEN, LABELS = "chosen = (chance < rate) & ~is_special", "torch.where(chosen, tokens, -100)"
edits("mask_tokens", {
    "has zeros for labels": {"solution": "tokens, -100) → tokens, 0)"},
    "labels what it put there": {"solution": f"{LABELS} → torch.where(chosen, inputs, -100)"},
    "labels the blanks alone": {"solution": f"{LABELS} → torch.where(inputs == mask_id, tokens, -100).where(~is_special, -100)"},
    "labels all but the chosen": {"solution": f"{LABELS} → torch.where(chosen, -100, tokens)"},
    "chooses as many in every row": {"solution": f"{CHOSEN} → "
        "number = chance.masked_fill(is_special, 2.0).argsort(-1).argsort(-1)\n"
        "    chosen = (number < rate * (~is_special).sum(-1, keepdim=True)) & ~is_special"},
    "chooses whole rows": {"solution": f"{CHOSEN} → chosen = (chance[:, :1] < rate) & ~is_special"},
    "chooses the same places in every row": {"solution": f"{CHOSEN} → chosen = (chance[:1] < rate) & ~is_special"},
    "chooses pairs of neighbours": {"solution": f"{CHOSEN} → "
        "chosen = (torch.minimum(chance, chance.roll(1, 1)) < 1 - (1 - rate) ** 0.5) & ~is_special"},
    "knows one rate": {"solution": "chance < rate → chance < 0.15"},
    "draws special ids too": {"solution": "if i not in special]) → if True])"},
    "never draws another id": {"solution": "(fate >= 0.9) → (fate > 2)"},
    "draws another id for a tenth of the rest": {"solution": "fate >= 0.9 → fate >= 0.98"},
    "masks nine of ten": {"solution": "fate < 0.8 → fate < 0.9"},
    "draws one id for all": {"solution": "ordinary[picks] → ordinary[picks[0, 0]]"},
    "draws the first hundred ids": {"solution": "torch.randint(len(ordinary), → torch.randint(len(ordinary) // 2,"},
    "has its own seed": {"solution": "generator=generator → generator=torch.Generator().manual_seed(0)"},
    "lets the generator choose places alone": {"solution": "tokens.shape, generator=generator) → tokens.shape)"},
    "takes the next id for a random one": {"solution": "ordinary[picks].to(tokens) → ((tokens + 1) % vocab_size)"},
    "labels special tokens": {"solution": f"{LABELS} → torch.where(chosen | is_special, tokens, -100)"},
    "leaves the ids on the CPU": {"solution": "torch.tensor(list(special)).to(tokens) → torch.tensor(list(special))"},
    "returns floating numbers": {"solution": "return inputs, → return inputs.float(),"},
})  # fmt: skip

# Bert

SUMMED, STEP = "self.dropout(self.norm(self.positions(x)))", "x = block(x, mask=mask)"
edits("Bert", {
    "adds nothing where no segments are given": {"sequential": "(kinds[0] if segments is None → (0.0 if segments is None"},
    "takes segment 1 where none are given": {"solution": "zeros_like(tokens) → ones_like(tokens)"},
    "inverts the mask": {"solution": f"{STEP} → x = block(x, mask=mask if mask is None else ~mask)"},
    "looks back alone": {"solution": f"{STEP} → see = torch.ones(x.shape[1], x.shape[1], device=x.device).tril().bool()\n"
        "            x = block(x, mask=see if mask is None else see & mask)"},
    "has no positions": {"solution": f"{SUMMED} → self.dropout(self.norm(x))"},
    "has no norm on the sum": {"solution": f"{SUMMED} → self.dropout(self.positions(x))"},
    "norms before the positions": {"solution": f"{SUMMED} → self.dropout(self.positions(self.norm(x)))"},
    "scales the embeddings": {"solution": "self.token_embedding(tokens) + → "
        "self.token_embedding(tokens) * self.norm.weight.numel()**0.5 +"},
    "norms first": {"solution": "dropout, eps=eps → dropout, norm_first=True, eps=eps"},
    "has a norm at the end": {"solution": "        return x\n → \n        return F.layer_norm(x, x.shape[-1:])\n"},
    "gives eps to the first norm alone": {"solution": "dropout, eps=eps → dropout"},
    "gives eps to the blocks alone": {"solution": "self.norm = LayerNorm(d_model, eps) → self.norm = LayerNorm(d_model)"},
    "has no activation": {"solution": "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)"},
    "goes through its first block alone": {"solution": "in self.blocks: → in self.blocks[:1]:"},
    "goes through one block several times": {"solution": f"{STEP} → x = self.blocks[0](x, mask=mask)"},
    "keeps its blocks in a plain list": {"solution": "self.blocks = nn.ModuleList( → self.blocks = list("},
    "drops out in evaluation too": {"sequential": "self.rate, self.training) → self.rate)"},
    "never drops out": {"solution": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → (")},
    "makes segments on the CPU": {"solution": "torch.zeros_like(tokens) → torch.zeros(tokens.shape, dtype=torch.long)"},
    "asserts": {"library-norms": "if seq > len(self.positions.table): → "
        "assert seq <= len(self.positions.table)\n        if False:"},
    "cuts long texts": {"solution": "if segments is None: → "
        "tokens = tokens[:, :len(self.positions.table)]\n        if segments is None:"},
    "gives the class token alone": {"solution": "        return x\n → \n        return x[:, 0]\n"},
    "mixes the rows": {"solution": "        return x\n → \n        return x + 0.1 * x.mean(0, keepdim=True)\n"},
    "takes any weights": {"solution":
        "\"bert\", state_dict → \"bert\", {n: x for n, x in state_dict.items() if 'surplus' not in n}"},
})  # fmt: skip

# next_token_loss

PAIR, LOSS = "said, right = logits[:, :-1], tokens[:, 1:]", "F.cross_entropy(said.flatten(0, 1), right.flatten())"
edits("next_token_loss", {
    "asks for the token before": {"solution": f"{PAIR} → said, right = logits[:, 1:], tokens[:, :-1]"},
    "asks for the token after the next": {"solution": f"{PAIR} → "
        f"said, right = logits[:, :-2] if len(logits[0]) > 2 else logits[:, :1], "
        "tokens[:, 2:] if len(logits[0]) > 2 else tokens[:, 1:]"},
    "asks the last place for the first token": {"solution": f"{PAIR} → said, right = logits, tokens.roll(-1, 1)"},
    "adds and does not divide": {"solution": "right.flatten()) → right.flatten(), reduction='sum')"},
    "divides by all places": {"solution": f"{LOSS} → {LOSS} * (1 - 1 / tokens.shape[1])"},
    "gives one loss a place": {"solution": "right.flatten()) → right.flatten(), reduction='none')"},
    "takes a softmax before": {"solution": "said.flatten(0, 1) → said.flatten(0, 1).softmax(-1)"},
    "takes the logarithm to base 2": {"solution": f"{LOSS} → {LOSS} / 0.6931472"},
    "smooths": {"solution": "right.flatten()) → right.flatten(), label_smoothing=0.1)"},
    "leaves out token 0": {"solution": "right.flatten()) → right.flatten(), ignore_index=0)"},
    "has the wrong sign": {"solution": f"{LOSS} → -{LOSS}"},
    "asks the last place alone": {"solution": f"{PAIR} → said, right = logits[:, -2:-1], tokens[:, -1:]"},
    "gives a Python number": {"solution": f"{LOSS} → {LOSS}.item()"},
    "gives the perplexity": {"solution": f"{LOSS} → {LOSS}.exp()"},
})  # fmt: skip

# Gpt

TIED, STEP = "self.norm(x) @ self.token_embedding.weight.T", "x = block(x, mask=mask)"
EMBEDDED = "self.dropout(self.positions(self.token_embedding(tokens)))"
edits("Gpt", {
    "has no positions": {"solution": f"{EMBEDDED} → self.dropout(self.token_embedding(tokens))"},
    "scales the embeddings": {"solution": "self.positions(self.token_embedding(tokens)) → "
        "self.positions(self.token_embedding(tokens) * tokens.shape[1] ** 0.5)"},
    "norms last": {"solution": "norm_first=True → norm_first=False"},
    "norms the embeddings": {"solution": f"{EMBEDDED} → F.layer_norm({EMBEDDED}, (self.norm.weight.numel(),))"},
    "norms with a smaller eps": {"solution": "approximate=\"tanh\") → approximate=\"tanh\", eps=1e-12)"},
    "has a final norm of a smaller eps": {"solution": "self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model, 1e-12)"},
    "gives probabilities": {"solution": f"{TIED} → ({TIED}).softmax(-1)"},
    "scales the logits": {"solution": f"{TIED} → {TIED} * x.shape[-1] ** -0.5"},
    "has no activation": {"solution": "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)"},
    "has a feed-forward network of twice the width": {"solution": "4 * d_model → 2 * d_model"},
    "sees the one before alone": {"solution": "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → "
        "near = torch.ones(x.shape[1], x.shape[1], device=x.device).tril(); mask = (near - near.tril(-2)).bool()"},
    "does not see itself": {"library-norms": "place[:, None] >= place → (place[:, None] > place) | (place == 0)"},
    "goes through its first block alone": {"solution": "in self.blocks: → in self.blocks[:1]:"},
    "shifts the logits": {"solution": f"{TIED} → ({TIED}).roll(1, 1)"},
    "gives the last logits alone": {"solution": f"return {TIED} → return ({TIED})[:, -1]"},
    "has an output with a bias": {"solution": ("self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model)\n"
        "        self.output = nn.Linear(d_model, vocab_size)", f"{TIED} → self.output(self.norm(x))")},
    "drops out in evaluation too": {"solution":
        "nn.Dropout(dropout)\n        self.blocks → lambda x: F.dropout(x, dropout)\n        self.blocks"},
    "never drops out": {"solution": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → (")},
    "leaves the mask on the CPU": {"solution": "(tokens.shape[1]).to(x.device) → (tokens.shape[1])"},
    "cuts long texts": {"solution": "x = self.dropout(self.positions → tokens = tokens[:, :len(self.positions.table)]\n"
        "        x = self.dropout(self.positions"},
    "raises an IndexError": {"looked-up": "ValueError → IndexError"},
})  # fmt: skip

# sample_token

DIVIDED, DRAWN = "logits = logits / temperature", "torch.multinomial(logits.softmax(dim=-1), 1, generator=generator)"
edits("sample_token", {
    "takes the likeliest": {"solution": f"{DRAWN} → logits.argmax(-1, keepdim=True)"},
    "draws evenly from what is left": {"solution": f"{DRAWN} → "
        f"torch.multinomial(logits.isfinite().double(), 1, generator=generator)"},
    "ignores the temperature": {"solution": f"    {DIVIDED} →     logits = logits * 1.0"},
    "divides after the filters": {"solution": (f"    {DIVIDED} →", "choices = → logits = logits / temperature\n    choices =")},
    "takes the root of the temperature": {"solution": f"{DIVIDED} → logits = logits / temperature ** 0.5"},
    "divides probabilities by the temperature": {"rows":
        "torch.softmax(values / temperature, 0) → torch.softmax(values, 0) / temperature"},
    "keeps one more than k": {"solution": "min(top_k, → min(top_k + 1,"},
    "keeps one less than k": {"solution": "min(top_k, logits.shape[-1]) → max(1, min(top_k, logits.shape[-1]) - 1)"},
    "keeps the smallest k": {"solution": ("logits.topk(top_k, dim=-1) → logits.topk(top_k, dim=-1, largest=False)",
                                          "logits < smallest → logits > smallest")},
    "cannot have k above the vocabulary": {"solution": "        top_k = min(top_k, logits.shape[-1])\n →"},
    "forgets top-k where top-p is given": {"solution": "if top_k is not None: → if top_k is not None and top_p is None:"},
    "forgets top-p where top-k is given": {"solution": "if top_p is not None: → if top_p is not None and top_k is None:"},
    "never warms up": {"solution": "logits / temperature → logits / max(temperature, 1)"},
    "adds up from the least likely": {"solution": ("descending=True → descending=False",)},
    "keeps tokens of more than p": {"solution": "(before >= top_p) & (before > 0) → (ordered < top_p) & (before > 0)"},
    "keeps one more than reaches p": {"solution": "before >= top_p → before - ordered >= top_p"},
    "cuts all rows like the first": {"solution": "(before >= top_p) & (before > 0) → "
        "((before >= top_p) & (before > 0))[:1].expand_as(before)"},
    "forgets the order that it sorted": {"solution": "-1, ids, (before >= top_p) → -1, ids.sort(-1).values, (before >= top_p)"},
    "ignores the generator": {"solution": "1, generator=generator → 1"},
    "has its own seed": {"solution": "1, generator=generator → 1, generator=generator or torch.Generator().manual_seed(0)"},
    "draws one number for all rows": {"inverse": "torch.rand(len(logits), 1, → torch.rand(1, 1,"},
    "divides by temperature 0": {"solution": "    if temperature == 0:\n        return logits.argmax(dim=-1)\n →"},
    "has a softmax over the rows": {"solution": "multinomial(logits.softmax(dim=-1) → multinomial(logits.softmax(dim=0)"},
    "keeps an axis": {"solution": "choices.squeeze(-1) → choices"},
    "drops every axis": {"solution": "choices.squeeze(-1) → choices.squeeze()"},
    "gives int32": {"solution": "choices.squeeze(-1) → choices.squeeze(-1).int()"},
    "gives places in the sorted order": {"rows": "ids[torch.multinomial(p[:kept], 1, generator=generator)[0]] → "
        "torch.multinomial(p[:kept], 1, generator=generator)[0]"},
    "leaves noise on the CPU": {"gumbel": ".to(logits.device) →"},
})  # fmt: skip

# generate

WITH, WRITTEN = "    with evaluating(model):", "new = sampler(logits[:, -1]).unsqueeze(1)"
edits("generate", {
    "takes the likeliest": {"solution": "sampler(logits[:, -1]) → logits[:, -1].argmax(-1)"},
    "looks at the first place": {"solution": "logits[:, -1] → logits[:, 0]"},
    "hands probabilities of all places to the sampler": {"solution": "sampler(logits[:, -1]) → "
        "sampler(logits.flatten(0, 1))[:len(tokens)]"},
    "gives the new tokens alone": {"solution": "return tokens → "
        "return tokens[:, -max_new_tokens:] if max_new_tokens else tokens[:, :0]"},
    "makes one step less": {"solution": "range(max_new_tokens) → range(max_new_tokens - 1)"},
    "makes one step more": {"solution": "range(max_new_tokens) → range(max_new_tokens + 1)"},
    "puts new tokens in front": {"solution": "[tokens, new] → [new, tokens]"},
    "reads the last token alone without a cache": {"solution": "logits = model(tokens) → logits = model(new)"},
    "never uses the cache": {"solution": "cached = use_cache and → cached = False and"},
    "always uses the cache": {"solution": "cached = use_cache and → cached ="},
    "wants a cache of every model": {"solution": "cached = use_cache and hasattr(model, \"extend\") → cached = use_cache"},
    "forgets the past": {"solution": "model.extend(new, past) → model.extend(new, None)"},
    "hands the whole text to a cache that has it": {"solution": "model.extend(new, past) → model.extend(tokens, past)"},
    "reads the text once without the cache": {"solution": "logits = model(tokens) → logits = model(tokens[:, -7:])"},
    "has gradients on": {"solution": "with torch.no_grad() → with torch.enable_grad()"},
    "leaves everything in training mode": {"solution": "part.training = training_flag → part.training = True"},
    "leaves everything in evaluation mode": {"solution": "part.training = training_flag → pass"},
    "sets one mode for all": {"solution": "part.training = training_flag → model.train(flags[model])"},
    "forgets the modes after an error": {"solution": ("try: → if True:", "finally: → if True:")},
    "swallows the error": {"solution": "finally: → except ValueError:\n        pass\n    finally:"},
    "raises another error": {"solution": "finally: → "
        "except ValueError:\n        raise RuntimeError('too long') from None\n    finally:"},
    "drops an axis": {"solution": "logits[:, -1] → logits[:, -1].squeeze()"},
    "writes on the first row for all": {"solution": f"{WRITTEN} → "
        f"new = sampler(logits[:, -1])[:1].expand(len(tokens)).unsqueeze(1)"},
    "gives lists": {"solution": "return tokens → return tokens.tolist()"},
})  # fmt: skip

# span_corruption

PAIRS, END = "zip(sentinel_ids, spans, strict=False)", ", targets + [eos_id]"
edits("span_corruption", {
    "closes with a sentinel": {"solution": f"{END} → , targets + [sentinel_ids[len(spans)], eos_id]"},
    "ends the inputs with eos": {"solution": "list(tokens[place:]) → list(tokens[place:]) + [eos_id]"},
    "has no sentinels in the targets": {"solution": "[sentinel, *tokens[start:place]] → tokens[start:place]"},
    "has no sentinels in the inputs": {"solution": ", sentinel] → ]"},
    "puts the sentinel behind its tokens": {"solution": "[sentinel, *tokens[start:place]] → [*tokens[start:place], sentinel]"},
    "takes the second number for an end": {"solution": "start + length → length"},
    "has one token more in each span": {"solution": "start + length → start + length + 1"},
    "takes the sentinels from the back": {"solution": f"{PAIRS} → zip(sentinel_ids[::-1], spans)"},
    "counts the sentinels down itself": {"solution": f"{PAIRS} → "
                                                     "zip(range(sentinel_ids[0], 0, -1), spans)"},
    "loses what follows the last span": {"solution": "inputs + list(tokens[place:]) → inputs"},
    "joins spans that touch": {"solution": ", sentinel] → ] + [sentinel] * (start > place or not place)"},
    "has a sentinel for each token": {"solution": ", sentinel] → ] + [sentinel] * length"},
    "forgets a span at the start": {"solution": f"{PAIRS} → [pair for pair in {PAIRS} if pair[1][0]]"},
    "turns the pair round": {"solution": "return inputs + list(tokens[place:]), targets + [eos_id] → "
                                         "return targets + [eos_id], inputs + list(tokens[place:])"},
    "returns floats": {"tensors": "torch.tensor(tokens) → torch.tensor(tokens).float()"},
    "finds a span by its tokens": {"solution": "inputs += [*tokens[place:start], sentinel] → "
        "start = tokens.index(tokens[start]); inputs += [*tokens[place:start], sentinel]"},
})  # fmt: skip

# relative_position_bucket

LOGARITHM, SHARE = "torch.log(distance.clamp(min=1).double() / exact)", "(share * (num_buckets - exact)).long()"
edits("relative_position_bucket", {
    "is always bidirectional": {"solution": "if bidirectional: → if True:"},
    "never halves the buckets": {"solution": "        num_buckets //= 2\n →"},
    "has 32 buckets": {"solution": "    exact = → \n    num_buckets = 16 if bidirectional else 32\n    exact ="},
    "reaches to 128 always": {"solution": "math.log(max_distance → math.log(128"},
    "stops at the exact ones": {"solution": "torch.where(distance < exact, distance, far) → distance.clamp(max=exact)"},
    "widens in a straight line": {"solution": f"{LOGARITHM} / math.log(max_distance / exact) → "
                                              "(distance - exact).double() / (max_distance - exact)"},
    "runs over its last bucket": {"solution": "    far = far.clamp(max=num_buckets - 1)\n →"},
    "rounds up": {"solution": f"{SHARE} → (share * (num_buckets - exact)).ceil().long()"},
    "rounds": {"solution": f"{SHARE} → (share * (num_buckets - exact)).round().long()"},
    "returns floats": {"solution": f"exact + {SHARE} → exact + (share * (num_buckets - exact)).floor()"},
    "returns int32": {"solution": "return first + torch.where(distance < exact, distance, far) → "
                                  "return (first + torch.where(distance < exact, distance, far)).int()"},
    "counts keys ahead by their distance in one direction": {"solution": "(-relative_position).clamp(min=0) → "
                                                                         "relative_position.abs()"},
    "counts all keys ahead as one": {"solution": "relative_position.abs() → (-relative_position).clamp(min=0)"},
    "leaves the logarithm out of the length": {"solution": "math.log(max_distance / exact) → math.log(max_distance)"},
    "leaves the boundaries on the CPU": {"boundaries": ", device=distance.device →"},
    "drops axes of size 1": {"solution":
        "return first + torch.where(distance < exact, distance, far) → "
        "return (first + torch.where(distance < exact, distance, far)).squeeze()"},
    "takes its own place for one ahead": {"solution": "relative_position > 0 → relative_position >= 0"},
    "gives the distance itself, cut": {"solution": "exact = num_buckets // 2 → return relative_position.abs().clamp(max=31)"},
})  # fmt: skip

# T5

BIAS = "bias = self.position_bias(self.decoder_bias, length, False)"
MEMORY = "memory_bias = as_bias(source_mask, x).unsqueeze(-3)"
OUTPUT, PLACES = " * x.shape[-1] ** -0.5", "place - place[:, None]"
edits("T5", {
    "scales the output twice": {"solution": f"{OUTPUT} →  / x.shape[-1]"},
    "scales the output up": {"solution": f"{OUTPUT} →  * x.shape[-1] ** 0.5"},
    "scales the embeddings": {"solution": "x = self.token_embedding(source) → x = self.token_embedding(source) * 2.0"},
    "sees the future": {"solution": f"{BIAS} + as_bias(past, x) → {BIAS}"},
    "sees one token too many": {"solution": "past = create_look_ahead_mask(length) → past = torch.ones(length, length, "
                                            "dtype=torch.bool).tril(1)"},
    "ignores the mask in the encoder": {"solution": "bias = bias + as_bias(source_mask, x).unsqueeze(-3) → pass"},
    "ignores the mask in cross-attention": {"solution": f"{MEMORY} → pass"},
    "ignores the mask": {"solution": "if source_mask is not None → if False"},
    "turns the mask round": {"solution": "masked_fill(~mask, → masked_fill(mask,"},
    "has NaN where nothing is seen": {"solution": "scores.masked_fill(blind, 0.0).softmax(dim=-1).masked_fill(blind, 0.0) → "
                                                  "scores.softmax(dim=-1)"},
    "looks everywhere where nothing is seen": {"solution": "softmax(dim=-1).masked_fill(blind, 0.0) → softmax(dim=-1)"},
    "has no bias in the encoder": {"solution": "return table(buckets).permute(2, 0, 1) → "
        "return table(buckets).permute(2, 0, 1) * (0.0 if bidirectional else 1.0)"},
    "has one table for both stacks": {"solution": "self.position_bias(self.decoder_bias → self.position_bias(self.encoder_bias"},
    "takes the query's place minus the key's": {"solution": f"{PLACES} → place[:, None] - place"},
    "looks both ways in the decoder": {"solution": "self.decoder_bias, length, False → self.decoder_bias, length, True"},
    "looks one way in the encoder": {"solution": "source.shape[1], True → source.shape[1], False"},
    "has the defaults of the buckets": {"solution": "self.num_buckets, self.max_distance) → num_buckets=self.num_buckets)"},
    "counts distances from one": {"solution": f"{PLACES} → {PLACES} - 1"},
    "norms the memory again": {"solution": "self.cross_attention(self.norm2(x), memory → self.cross_attention(self.norm2(x), "
                                           "self.norm2(memory)"},
    "hands the memory on without its norm": {"solution": "return self.encoder_norm(x) → return x"},
    "has no norm at the decoder's end": {"solution": "self.decoder_norm(x) * → x *"},
    "norms behind its sublayers": {"solution": "x = x + self.self_attention(normed, normed, bias) → "
                                               "x = self.norm1(x + self.self_attention(x, x, bias))"},
    "norms queries alone": {"solution": "self.self_attention(normed, normed, bias) → self.self_attention(normed, x, bias)"},
    "leaves out a residual": {"solution": "x = x + self.cross_attention( → x = self.cross_attention("},
    "has layer norms": {"solution": "self.norm1, self.norm2 = RMSNorm(d_model), RMSNorm(d_model) → "
                                    "self.norm1, self.norm2 = (nn.LayerNorm(d_model, 1e-6, bias=False) for _ in range(2))"},
    "has another eps": {"solution": "self.encoder_norm, self.decoder_norm = RMSNorm(d_model), RMSNorm(d_model) → "
                                    "self.encoder_norm, self.decoder_norm = RMSNorm(d_model, 1e-5), RMSNorm(d_model, 1e-5)"},
    "has GELU": {"solution": "self.feed_forward.relu = nn.ReLU() → self.feed_forward.relu = nn.GELU()"},
    "adds the bias of places in cross-attention": {"solution": "memory_bias = 0.0 → memory_bias = self.position_bias("
        "self.decoder_bias, max(length, memory.shape[1]), False)[:, :length, :memory.shape[1]]"},
    "has an output of its own": {"tied-layer": "; self.output.weight = self.token_embedding.weight →"},
    "goes through one block of the encoder": {"solution": "in self.encoder: → in self.encoder[:1]:"},
    "has one block under several names": {"solution": "nn.ModuleList(T5Block(*sizes, crosses=False) for _ in layers) → "
                                                      "nn.ModuleList([T5Block(*sizes, crosses=False)] * num_layers)"},
    "makes its places on the CPU": {"solution": ", device=table.weight.device →"},
    "has biases": {"solution": "self.w_o = nn.Linear(inner, d_model, bias=False) → self.w_o = nn.Linear(inner, d_model)"},
})  # fmt: skip

# patchify

CUT, ORDER = "images.reshape(batch, channels, rows, patch_size, columns, patch_size)", "permute(0, 2, 4, 1, 3, 5)"
edits("patchify", {
    "cuts and moves nothing": {"solution": f"x.{ORDER} → x"},
    "has rows in front of the channels": {"solution": f"{ORDER} → permute(0, 2, 4, 3, 1, 5)"},
    "swaps patches and pixels": {"solution": f"{ORDER} → permute(0, 3, 5, 1, 2, 4)"},
    "mixes up patches and pixels": {"solution":
        f"{CUT} → images.reshape(batch, channels, patch_size, rows, patch_size, columns)"},
    "takes the first channel for all": {"slices": "images[:, :, → images[:, :1].expand_as(images)[:, :,"},
    "keeps the axes of the patches": {"solution": ".reshape(batch, rows * columns, -1) → .reshape(batch, rows, columns, -1)"},
    "puts the patches last": {"solution": ".reshape(batch, rows * columns, -1) → .reshape(batch, rows * columns, -1).mT"},
    "looks at the height alone": {"solution": "height % patch_size or width % patch_size → height % patch_size"},
    "looks at the width alone": {"solution": "height % patch_size or width % patch_size → width % patch_size"},
    "looks at the area": {"solution": "height % patch_size or width % patch_size → height * width % patch_size ** 2"},
    "asserts": {"solution": "if height % patch_size or width % patch_size: → if True: "
        "assert height % patch_size == 0 and width % patch_size == 0, (height, width, patch_size)\n    if False:"},
    "names no value": {"solution": "{height} x {width} does not split by patch_size={patch_size} → "
                                   "the picture does not split into patches"},
    "cuts off what is left over": {"slices": "if height % patch_size or width % patch_size: → "
        "height, width = height // patch_size * patch_size, width // patch_size * patch_size\n    if False:"},
    "reads the memory as if it lay in one piece": {"solution":
        f"{CUT} → torch.as_strided(images, (batch, channels, rows, patch_size, columns, patch_size), "
        "(channels * height * width, height * width, patch_size * width, width, patch_size, 1))"},
    "takes squares alone": {"solution": "columns = height // patch_size, width // patch_size → "
                                        "columns = height // patch_size, height // patch_size"},
    "returns float32": {"solution": ".reshape(batch, rows * columns, -1) → .reshape(batch, rows * columns, -1).float()"},
    "scales to colours": {"solution": "images.reshape( → (images / 255).reshape("},
})  # fmt: skip

# ViT

JOINED, EMBED = "self.positions(torch.cat([first, x], dim=1))", "self.patch_embedding(patchify(images, self.patch_size))"
edits("ViT", {
    "has the class token at the end": {"solution": ("torch.cat([first, x], dim=1) → torch.cat([x, first], dim=1)",
                                                    "self.encode(images)[:, 0] → self.encode(images)[:, -1]")},
    "adds positions to the patches alone": {"solution": f"{JOINED} → torch.cat([first, x + self.positions.table[1:]], dim=1)"},
    "counts positions from the patches": {"solution": f"{JOINED} → torch.cat([first, self.positions(x)], dim=1)"},
    "has its norms behind": {"solution": "norm_first=True, → norm_first=False,"},
    "has tanh in its GELU": {"solution": "norm_first=True, eps=1e-12 → norm_first=True, eps=1e-12, approximate='tanh'"},
    "has ReLU blocks": {"solution": "gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12) → "
                                    "EncoderBlock(d_model, num_heads, d_ff, dropout, norm_first=True)"},
    "has another eps in its blocks": {"solution": "norm_first=True, eps=1e-12 → norm_first=True"},
    "has another eps at the end": {"solution": "LayerNorm(d_model, 1e-12) → LayerNorm(d_model)"},
    "goes through one block": {"solution": "in self.blocks: → in self.blocks[:1]:"},
    "has one block under several names": {"solution": (
        "            gelu_block( →             [gelu_block(", "eps=1e-12)\n            for _ in range(num_layers)) → "
        "eps=1e-12)] * num_layers)")},
    "drops in evaluation as well": {"solution": "nn.Dropout(dropout) → lambda x: F.dropout(x, dropout)"},
    "drops nothing": {"solution": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → (")},
    "returns probabilities": {"solution": "self.classifier(self.encode(images)[:, 0]) → "
                                          "self.classifier(self.encode(images)[:, 0]).softmax(dim=-1)"},
    "reads pixels before channels": {"torch-norms": "permute(0, 2, 3, 1, 4, 5) → permute(0, 2, 3, 4, 5, 1)"},
    "has a hidden layer to classify": {"solution": ("nn.Linear(d_model, num_classes) → nn.Linear(d_model, num_classes); "
        "self.pooler = nn.Linear(d_model, d_model)",
        "self.encode(images)[:, 0] → self.pooler(self.encode(images)[:, 0]).tanh()")},
    "names its blocks otherwise": {"solution": "self.blocks → self.layers"},
    "forgets to attend": {"solution": "x = block(x) → x = block.feed_forward(block.norm2(x)) + x"},
    "makes its table on the CPU": {"written-into-a-table": "x.new_empty(len(x), x.shape[1] + 1, x.shape[2]) → "
                                                           "torch.empty(len(x), x.shape[1] + 1, x.shape[2], dtype=x.dtype)"},
})  # fmt: skip

# box_iou

CLAMP, RATIO = ".clamp(min=0)", "torch.where(empty, 0.0, common / union.masked_fill(empty, 1.0))"
edits("box_iou", {
    "gives the shared area": {"solution": f"return {RATIO} → return common"},
    "divides by the first area": {"solution":
        "common / union.masked_fill → common / area_a[:, None].expand_as(union).masked_fill"},
    "divides by the smaller area": {"solution": "union = area_a[:, None] + area_b[None, :] - common → "
                                                "union = torch.minimum(area_a[:, None], area_b[None, :])"},
    "has NaN where nothing is covered": {"solution": f"return {RATIO} → return common / union"},
    "hides NaN behind a where": {"solution": f"return {RATIO} → return torch.where(empty, 0.0, common / union)"},
    "adds a little below": {"solution": f"return {RATIO} → return common / (union + 1e-6)"},
    "has 1 where nothing is covered": {"solution": "torch.where(empty, 0.0, → torch.where(empty, 1.0,"},
    "compares a box with the one in its row": {"solution": ("[:, None, :2] → [:, :2]", "[None, :, :2] → [:, :2]",
        "[:, None, 2:] → [:, 2:]", "[None, :, 2:] → [:, 2:]", "area_a[:, None] + area_b[None, :] → area_a + area_b")},
    "turns rows and columns round": {"solution": f"return {RATIO} → return {RATIO}.T"},
    "takes width and height for corners": {"solution": (
        "a[:, None, 2:], b[None, :, 2:] → (a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None]",
        "(x[:, 2:] - x[:, :2]) → x[:, 2:]")},
    "counts pixels": {"solution": ("(high - low) → (high - low + 1)", "(x[:, 2:] - x[:, :2]) → (x[:, 2:] - x[:, :2] + 1)")},
    "cuts the area and not the sides": {"solution": ".clamp(min=0).prod(dim=-1) → .prod(dim=-1).clamp(min=0)"},
    "joins boxes with an outer one": {"solution": "union = area_a[:, None] + area_b[None, :] - common → "
        "union = (torch.maximum(a[:, None, 2:], b[:, 2:]) - torch.minimum(a[:, None, :2], b[:, :2])).prod(-1)"},
    "needs at least one box": {"solution": "low = → assert len(a) and len(b); low ="},
    "returns float32": {"solution": f"return {RATIO} → return {RATIO}.float()"},
    "makes its zeros on the CPU": {"masked-place": "torch.zeros_like(union) → torch.zeros(len(a), len(b), dtype=a.dtype)"},
})  # fmt: skip
