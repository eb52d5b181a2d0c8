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
    "adds nothing where no segments are given": {"own-names":
        "self.kinds(tokens * 0 if segments is None else segments) → 0.0 if segments is None else self.kinds(segments)"},
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
    "drops out in evaluation too": {"functions": "F.dropout(x, self.rate) if self.training else x → F.dropout(x, self.rate)"},
    "never drops out": {"functions": "if self.training else x → if False else x"},
    "makes segments on the CPU": {"solution": "torch.zeros_like(tokens) → torch.zeros(tokens.shape, dtype=torch.long)"},
    "asserts": {"own-names": "raise ValueError(f'max_len is {self.max_len}, and there are {seq} tokens') → assert False"},
    "cuts long texts": {"solution": "if segments is None: → "
        "tokens = tokens[:, :len(self.positions.table)]\n        if segments is None:"},
    "gives the class token alone": {"solution": "        return x\n → \n        return x[:, 0]\n"},
    "takes any weights": {"own-names": "if missing or more: → if missing:"},
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
    "has a final norm of a smaller eps": {"own-names": "nn.LayerNorm(d_model)\n → nn.LayerNorm(d_model, eps=1e-12)\n"},
    "gives probabilities": {"solution": f"{TIED} → ({TIED}).softmax(-1)"},
    "scales the logits": {"solution": f"{TIED} → {TIED} * x.shape[-1] ** -0.5"},
    "has no activation": {"solution": "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)"},
    "has a feed-forward network of twice the width": {"solution": "4 * d_model → 2 * d_model"},
    "sees the one before alone": {"solution": "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → "
        "near = torch.ones(x.shape[1], x.shape[1], device=x.device).tril(); mask = (near - near.tril(-2)).bool()"},
    "does not see itself": {"functions": "triu(1) → triu(0).masked_fill(torch.eye(seq, device=x.device) * seq > 1, -1e9)"},
    "goes through its first block alone": {"solution": "in self.blocks: → in self.blocks[:1]:"},
    "shifts the logits": {"solution": f"{TIED} → ({TIED}).roll(1, 1)"},
    "gives the last logits alone": {"solution": f"return {TIED} → return ({TIED})[:, -1]"},
    "has an output with a bias": {"solution": ("self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model)\n"
        "        self.output = nn.Linear(d_model, vocab_size)", f"{TIED} → self.output(self.norm(x))")},
    "drops out in evaluation too": {"functions": "F.dropout(x, self.rate, self.training) → F.dropout(x, self.rate)"},
    "never drops out": {"functions": "F.dropout(x, self.rate, self.training) → x"},
    "leaves the mask on the CPU": {"solution": "(tokens.shape[1]).to(x.device) → (tokens.shape[1])"},
    "cuts long texts": {"solution": "x = self.dropout(self.positions → tokens = tokens[:, :len(self.positions.table)]\n"
        "        x = self.dropout(self.positions"},
    "raises an IndexError": {"own-names": "ValueError → IndexError"},
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
    "divides probabilities by the temperature": {"sorted": "torch.softmax(ordered / temperature, dim=-1) → "
        "torch.softmax(ordered, dim=-1) / temperature"},
    "keeps one more than k": {"solution": "min(top_k, → min(top_k + 1,"},
    "keeps one less than k": {"solution": "min(top_k, logits.shape[-1]) → max(1, min(top_k, logits.shape[-1]) - 1)"},
    "keeps the smallest k": {"solution": ("logits.topk(top_k, dim=-1) → logits.topk(top_k, dim=-1, largest=False)",
                                          "logits < smallest → logits > smallest")},
    "cannot have k above the vocabulary": {"solution": "        top_k = min(top_k, logits.shape[-1])\n →"},
    "puts top-p first": {"sorted": ("    if top_k: →     if False:", "return ids → shares[:, top_k:] = 0\n    return ids")},
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
    "gives places in the sorted order": {"sorted": "ids.gather(-1, torch.multinomial(shares, num_samples=1, "
        "generator=generator)) → "
        "torch.multinomial(shares, num_samples=1, generator=generator)"},
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
    "swallows the error": {"two-loops": "finally: → except ValueError:\n        pass\n    finally:"},
    "raises another error": {"two-loops": "finally: → "
        "except ValueError:\n        raise RuntimeError('too long') from None\n    finally:"},
    "drops an axis": {"solution": "logits[:, -1] → logits[:, -1].squeeze()"},
    "writes on the first row for all": {"solution": f"{WRITTEN} → "
        f"new = sampler(logits[:, -1])[:1].expand(len(tokens)).unsqueeze(1)"},
    "gives lists": {"solution": "return tokens → return tokens.tolist()"},
})  # fmt: skip

# span_corruption

# relative_position_bucket

# T5

# patchify

# ViT

# box_iou
