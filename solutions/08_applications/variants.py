"""Right answers in other styles, which must all earn full points and no name."""

import torch

from autograder.framework.known_answers import edits, variant

# mask_tokens

CHANCES = "chance, fate = torch.rand(2, *tokens.shape, generator=generator).to(tokens.device)"
CHOSEN, FILLED = "chosen = (chance < rate) & ~is_special", "inputs = torch.where(chosen & (fate < 0.8), mask_id, tokens)"
RANDOM, SWAPPED = "random = ordinary[picks].to(tokens)", "inputs = torch.where(chosen & (fate >= 0.9), random, inputs)"
edits("mask_tokens", {
    "bernoulli": (
        f"{CHANCES} → draws = lambda p: torch.bernoulli(p.cpu(), generator=generator).bool().to(tokens.device)",
        f"{CHOSEN} → chosen = draws(torch.full(tokens.shape, rate).masked_fill_(is_special.cpu(), 0.0))",
        f"{FILLED} → inputs, mask = tokens.clone(), draws(torch.full(tokens.shape, 0.8)) & chosen\n    inputs[mask] = mask_id",
        f"{SWAPPED} → swap = draws(torch.full(tokens.shape, 0.5)) & chosen & ~mask\n    inputs[swap] = random[swap]",
        "return inputs, torch.where(chosen, tokens, -100) → "
        "labels = tokens.clone()\n    labels[~chosen] = -100\n    return inputs, labels",
    ),
    "nested": (
        f"{CHANCES} → chance, fate = (torch.rand(tokens.shape, generator=generator).to(tokens.device) for _ in range(2))",
        f"{FILLED} → inputs = torch.where(fate < 0.1, random, torch.where(fate < 0.2, tokens, mask_id))",
        f"{SWAPPED} → inputs = torch.where(chosen, inputs, tokens)",
    ),
    "fates": (  # a fate for each token, drawn from the three shares
        f"{CHANCES} → chance = torch.rand(tokens.shape, generator=generator).to(tokens.device)\n    fate = torch.multinomial("
        "torch.tensor([0.8, 0.1, 0.1]), tokens.numel(), True, generator=generator).view(tokens.shape).to(tokens)",
        f"{FILLED} → inputs = tokens.masked_fill(chosen & (fate == 0), mask_id)", "fate >= 0.9 → fate == 1",
        "torch.isin(tokens, torch.tensor(list(special)).to(tokens)) → "
        "(tokens.unsqueeze(-1) == torch.tensor(list(special)).to(tokens)).any(-1)",
        "return inputs, torch.where(chosen, tokens, -100) → labels = torch.full_like(tokens, -100)\n"
        "    labels[chosen] = tokens[chosen]\n    return inputs, labels",
    ),
    "one-number": (  # one number a token for choice and fate; an id that is special is drawn again
        f"{CHANCES} → number = torch.rand(tokens.shape, generator=generator, dtype=torch.float64).to(tokens.device) / rate",
        "picks = torch.randint(len(ordinary), tokens.shape, generator=generator) → words = torch.tensor(list(special)[:1])",
        f"{RANDOM} → random = words.expand(tokens.shape)\n"
        "    while (wrong := torch.isin(random, torch.tensor(list(special)))).any():\n"
        "        random = torch.where(wrong, torch.randint(0, vocab_size, tokens.shape, generator=generator), random)",
        f"{CHOSEN} → chosen = (number < 1) & ~is_special", f"{SWAPPED} →",
        f"{FILLED} → number, random = torch.where(chosen, number, 2.0), random.to(tokens)\n"
        "    inputs = torch.where(number < 0.1, random, torch.where(number < 0.9, mask_id, tokens))",
    ),
})  # fmt: skip

# Bert

edits("Bert", {
    "sequential": (  # segments as rows of a table, blocks looked up by their numbers, dropout as a function
        "self.dropout = nn.Dropout(dropout) → self.rate, self.depth = dropout, num_layers",
        "self.blocks = nn.ModuleList( → self.blocks = nn.Sequential(*(",
            "for _ in range(num_layers)) → for _ in range(num_layers)))",
        "if segments is None: → kinds = self.segment_embedding.weight", "    segments = torch.zeros_like(tokens) →",
        "self.segment_embedding(segments) → (kinds[0] if segments is None else kinds[segments])",
        "self.dropout(self.norm(self.positions(x))) → F.dropout(self.norm(self.positions(x)), self.rate, self.training)",
        "for block in self.blocks: → for number in range(self.depth):",
            "x = block(x, mask=mask) → x = self.blocks[number](x, mask)",
    ),
    "library-norms": (  # PyTorch's norms, GELU from its formula, the table of positions added by hand
        "LayerNorm = my.EncoderBlock, my.FeedForward, my.LayerNorm → LayerNorm = my.EncoderBlock, my.FeedForward, nn.LayerNorm",
        "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)",
        "self.linear2(self.drop(hidden)) → self.linear2(self.drop(hidden * (1 + torch.erf(hidden / 2 ** 0.5)) / 2))",
        "if segments is None: → seq = tokens.size(-1)\n        if seq > len(self.positions.table):\n"
        "            raise ValueError(f'seq is {seq}, more than max_len={len(self.positions.table)}')\n        if segments is "
            "None:",
        "self.positions(x) → x + self.positions.table[None, :seq]",
    ),
    "one-hot": (  # embeddings as products, the mask with three axes, other names for parts
        "self.token_embedding(tokens) → F.one_hot(tokens, len(self.token_embedding.weight)).to(self.norm.weight) "
        "@ self.token_embedding.weight", "mask=mask → mask=mask if mask is None else mask.expand(len(x), -1, -1)",
        "self.token_embedding → self.words", "self.segment_embedding → self.kinds", "self.blocks → self.layers",
        "checkpoints.load(self, → twin = nn.Module()\n        twin.token_embedding, twin.segment_embedding, twin.positions, "
        "twin.norm, twin.blocks = self.words, self.kinds, self.positions, self.norm, self.layers\n        checkpoints.load(twin,",
    ),
    "fused": (  # queries, keys and values in one product, PyTorch's attention, the mask with an axis for heads
        "block.feed_forward = → block.self_attention = FusedAttention(d_model, num_heads)\n"
        "    block.self_attention.rate = dropout\n    block.feed_forward =",
        "def gelu_block( → class FusedAttention(my.MultiHeadAttention):\n    def forward(self, query, key, value, mask=None):\n"
        "        weight = torch.cat([self.w_q.weight, self.w_k.weight, self.w_v.weight])\n"
        "        made = F.linear(query, weight, torch.cat([self.w_q.bias, self.w_k.bias, self.w_v.bias])).chunk(3, dim=-1)\n"
        "        q, k, v = (x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for x in made)\n"
        "        seen = mask if mask is None or mask.dim() < 3 else mask[:, None]\n"
        "        found = F.scaled_dot_product_attention(q, k, v, seen, self.rate * self.training)\n"
        "        return self.w_o(found.transpose(1, 2).flatten(2)), None\n\n\ndef gelu_block(",
    ),
})  # fmt: skip

# next_token_loss

PAIR, RETURN = "said, right = logits[:, :-1], tokens[:, 1:] →", "return F.cross_entropy(said.flatten(0, 1), right.flatten()) →"
edits("next_token_loss", {
    "classes-second": (PAIR, f"{RETURN} return F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:])"),
    "gather": (
        f"{PAIR} log_p = torch.log_softmax(logits, dim=-1)[:, :-1]",
        f"{RETURN} return -torch.gather(log_p, -1, tokens[:, 1:, None]).mean()",
    ),
    "ignored-place": (  # the last place is kept and left out of the mean
        f"{PAIR} aims = tokens.roll(-1, dims=1).index_fill(1, torch.tensor([tokens.shape[1] - 1], device=tokens.device), -100)",
        f"{RETURN} return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), aims.reshape(-1), ignore_index=-100)",
    ),
    "place-by-place": (
        f"{PAIR} steps = range(tokens.shape[1] - 1)",
        f"{RETURN} return sum(F.cross_entropy(logits[:, t], tokens[:, t + 1]) for t in steps) / len(steps)",
    ),
})  # fmt: skip

# Gpt

edits("Gpt", {
    "output-layer": (  # an output layer whose weight is the embedding's, one mask cut to length
        "self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model)\n"
        "        self.output = nn.Linear(d_model, vocab_size, bias=False)\n        self.output.weight = "
            "self.token_embedding.weight\n"
        "        self.register_buffer('past', create_look_ahead_mask(max_len), persistent=False)",
        "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → mask = self.past[:tokens.shape[1], :tokens.shape[1]]",
        "self.norm(x) @ self.token_embedding.weight.T → self.output(self.norm(x))",
    ),
    "own-names": (  # weights go in through a module that lends the parts the course's names
        "self.token_embedding → self.wte", "self.positions → self.wpe", "self.blocks → self.layers", "self.norm → self.ln_f",
        "checkpoints.load(self, → "
        "twin = nn.Module()\n        twin.token_embedding, twin.positions, twin.blocks, twin.norm = self.wte, self.wpe, "
        "self.layers, self.ln_f\n        checkpoints.load(twin,",
    ),
    "library-norms": (  # PyTorch's norms, the tanh form written out, one block after the other by recursion
        "LayerNorm = my.EncoderBlock, my.FeedForward, my.LayerNorm → LayerNorm = my.EncoderBlock, my.FeedForward, nn.LayerNorm",
        "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)",
        "hidden = → inner = lambda h: (2 / torch.pi) ** 0.5 * (h + 0.044715 * h**3)\n        hidden =",
        "self.linear2(self.drop(hidden)) → self.linear2(self.drop(0.5 * hidden * (1 + torch.tanh(inner(hidden)))))",
        "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → place = torch.arange(x.size(1), device=x.device)",
        "mask=mask → mask=(place[:, None] >= place)[None]",
        "self.norm(x) @ self.token_embedding.weight.T → torch.einsum('bsd,vd->bsv', self.norm(x), self.token_embedding.weight)",
    ),
    "looked-up": (  # tables looked up by functions, positions by hand, GELU as a module, the mask repeated
        "self.positions(self.token_embedding(tokens)) → self.checked(F.embedding(tokens, self.token_embedding.weight))",
        "    def forward(self, tokens): → "
        "    def checked(self, x):\n        longest, seq = len(self.positions.table), x.shape[-2]\n"
        "        if seq > longest: raise ValueError(f'max_len is {longest}, and there are {seq} tokens')\n"
        "        return x + self.positions.table[torch.arange(seq, device=x.device)]\n\n    def forward(self, tokens):",
        "F.gelu(self.linear1(x), approximate=self.approximate) → nn.GELU(self.approximate)(self.linear1(x))",
        "mask=mask → mask=mask.unsqueeze(0).repeat(len(tokens), 1, 1)",
    ),
})  # fmt: skip

# sample_token

edits("sample_token", {
    "thresholds": (  # the smallest logit that is kept, of both filters; what is left out gets a very low one
        "smallest = logits.topk(top_k, dim=-1).values[:, -1:] → smallest = logits.sort(-1).values[:, -top_k, None]",
        "logits.masked_fill(logits < smallest, -torch.inf) → torch.where(logits >= smallest, logits, -1e9)",
        "spare = torch.zeros_like(before, dtype=torch.bool).scatter( → "
            "last = (before < top_p).sum(-1, keepdim=True).clamp(min=1) - 1",
        "            -1, ids, (before >= top_p) & (before > 0)) → "
            "        spare = logits < logits.gather(-1, ids.gather(-1, last))",
    ),
    "gumbel": (  # the largest of logits with Gumbel noise
        "choices = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator) → "
        "u = torch.rand(logits.shape, generator=generator, dtype=torch.float64).to(logits.device)\n"
        "    choices = (logits.double() - torch.log(-torch.log(u))).argmax(dim=-1, keepdim=True)",
    ),
    "inverse": (  # one number between 0 and 1 a row, looked up in the sums of what is left
        "choices = torch.multinomial(logits.softmax(dim=-1), 1, generator=generator) → "
        "sums = logits.double().softmax(dim=-1).cumsum(dim=-1)\n"
        "    u = torch.rand(len(logits), 1, generator=generator, dtype=torch.float64).to(logits.device)\n"
        "    choices = (sums <= u * sums[:, -1:]).sum(dim=-1, keepdim=True)",
    ),
})  # fmt: skip


@variant("sample_token", "rows")
def draw_row_by_row(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    tokens = torch.zeros(len(logits), dtype=torch.int64, device=logits.device)
    for number, row in enumerate(logits):
        values, ids = row.topk(min(top_k or len(row), len(row)))
        if temperature == 0:
            tokens[number] = ids[0]
            continue
        p, kept = torch.softmax(values / temperature, 0), len(ids)
        if top_p is not None:
            kept = next((n for n, total in enumerate(p.cumsum(0).tolist(), 1) if total >= top_p), kept)
        tokens[number] = ids[torch.multinomial(p[:kept], 1, generator=generator)[0]]
    return tokens


# generate

edits("generate", {
    "table": (  # one table for all tokens, filled column by column
        "past, new = None, tokens → seq, past, read = tokens.shape[1], None, 0\n"
        "    table = torch.cat([tokens, tokens.new_zeros(len(tokens), max_new_tokens)], dim=1)",
        "for _ in range(max_new_tokens): → for place in range(seq, table.shape[1]):",
        "model.extend(new, past) → model.extend(table[:, read:place], past=past)",
            "logits = model(tokens) → logits = model(table[:, :place])",
        "new = sampler(logits[:, -1]).unsqueeze(1) → table[:, place] = sampler(logits[:, -1])",
        "tokens = torch.cat([tokens, new], dim=1) → read = place", "return tokens → return table",
    ),
    "columns": (  # a list of columns, joined at the end
        "past, new = None, tokens → columns, past = list(tokens.unbind(1)), ()",
            "for _ in range(max_new_tokens): → while max_new_tokens > 0:",
        "logits, past = model.extend(new, past) → logits, *past = model.extend(torch.stack(columns, 1), *past) if not past "
        "else model.extend(columns[-1][:, None], *past)", "logits = model(tokens) → logits = model(torch.stack(columns, dim=1))",
        "new = sampler(logits[:, -1]).unsqueeze(1) → columns.append(sampler(logits[:, -1]))",
        "tokens = torch.cat([tokens, new], dim=1) → max_new_tokens -= 1", "return tokens → return torch.stack(columns, dim=1)",
    ),
    "by-hand": (  # modes kept in a list, the cache reads what was given token by token
        "flags = {part: part.training for part in model.modules()} → flags = [part.training for part in model.modules()]",
        "in flags.items() → in zip(model.modules(), flags, strict=True)", "model.eval() → model.train(False)",
        "with torch.no_grad() → with torch.inference_mode()", "return tokens → return tokens.clone()",
        "logits, past = model.extend(new, past) → for column in new.split(1, dim=1):\n"
        "                    logits, past = model.extend(column, past)",
    ),
    "recursive": (
        "    with evaluating(model):\n        for _ in range(max_new_tokens): → "
            "    def write(tokens, new, past, left):\n        if left:",
        "            new = sampler → \n            new = sampler",
        "tokens = torch.cat([tokens, new], dim=1)\n    return tokens → "
        "return write(torch.cat([tokens, new], dim=1), new, past, left - 1)\n        return tokens\n"
        "    with evaluating(model):\n        return write(tokens, new, past, max_new_tokens)",
    ),
})  # fmt: skip

# span_corruption

HEAD, REST = "inputs, targets, place = [], [], 0", "return inputs + list(tokens[place:]), targets + [eos_id]"
LOOP = "for sentinel, (start, length) in zip(sentinel_ids, spans, strict=False):"
CUT = "inputs += [*tokens[place:start], sentinel] →"
edits("span_corruption", {
    "from-the-back": (  # spans are replaced in a copy, the last one first
        f"{HEAD} → inputs, targets = list(tokens), [eos_id]",
        f"{LOOP} → for number in reversed(range(len(spans))):", f"{CUT} start, length = spans[number]",
        "place = start + length → sentinel, span = sentinel_ids[number], inputs[start:start + length]",
        "targets += [sentinel, *tokens[start:place]] → inputs[start:start + length] = [sentinel]; "
        "targets = [sentinel] + span + targets",
        f"{REST} → return inputs, targets",
    ),
    "tensors": (
        f"{HEAD} → tokens = torch.tensor(tokens)\n    inputs, targets, place = tokens[:0], tokens[:0], 0",
        f"{CUT} mark = tokens.new_tensor([sentinel]); inputs = torch.cat([inputs, tokens[place:start], mark])",
        "targets += [sentinel, *tokens[start:place]] → targets = torch.cat([targets, mark, tokens[start:place]])",
        f"{REST} → return torch.cat([inputs, tokens[place:]]), torch.cat([targets, tokens.new_tensor([eos_id])])",
    ),
    "tensors-in-lists": f"{HEAD} → tokens = torch.tensor(tokens); {HEAD}",
    "iterator": (
        f"{HEAD} → names = iter(sentinel_ids)\n    {HEAD}", f"{LOOP} → for start, length in spans:",
        f"{CUT} sentinel = next(names)\n        inputs.extend(tokens[place:start]); inputs.append(sentinel)",
        f"{REST} → targets.append(eos_id)\n    inputs.extend(tokens[place:])\n    return tuple(inputs), tuple(targets)",
    ),
})  # fmt: skip

# relative_position_bucket

FIRST, ZEROS = "first = num_buckets * (relative_position > 0)", "    first = torch.zeros_like(relative_position)\n"
LOGARITHM = "share = torch.log(distance.clamp(min=1).double() / exact) / math.log(max_distance / exact)"
FAR, CLAMP = "far = exact + (share * (num_buckets - exact)).long()", "    far = far.clamp(max=num_buckets - 1)\n"
LAST = "return first + torch.where(distance < exact, distance, far)"
edits("relative_position_bucket", {
    "float32": (  # as the original does it, in a running sum
        "distance.clamp(min=1).double() / exact) → distance.float().clamp(min=1e-6) / exact)",
        f"{FIRST} → first = first + (relative_position > 0).to(torch.long) * num_buckets",
        f"{CLAMP} →     far = torch.min(far, torch.full_like(far, num_buckets - 1))", "(share * (num_buckets - exact)).long() "
        "→ (share * (num_buckets - exact)).to(torch.long)",
    ),
    "boundaries": (  # where each bucket begins
        f"{LOGARITHM} → wide = num_buckets - exact\n"
        "    begins = [exact * (max_distance / exact) ** (j / wide) for j in range(1, wide)]",
        f"{FAR} → begins = torch.tensor(begins, dtype=torch.float64, device=distance.device)", f"{CLAMP} →",
        f"{LAST} → far = exact + torch.bucketize(distance.double(), begins, right=True)\n"
        "    return first + distance.clamp(max=exact - 1) + (distance >= exact) * (far - exact + 1)",
    ),
    "log-base": (
        f"{LOGARITHM} → x = distance.clamp(min=exact).to(torch.float64)\n"
        "    share = (x.log2() - math.log2(exact)) / (math.log2(max_distance) - math.log2(exact))",
        f"{FAR} → far = exact + torch.floor((share * (num_buckets - exact)).clamp(max=num_buckets - exact - 1)).to(distance)",
        f"{CLAMP} →", "(-relative_position).clamp(min=0) → -relative_position.clamp(max=0)",
    ),
    "in-place-of-a-copy": (
        f"{LAST} → buckets = distance.clone()\n    buckets[distance >= exact] = far[distance >= exact]\n"
        "    return buckets + first", f"{ZEROS} →     first = 0\n",
        "relative_position.abs() → torch.maximum(relative_position, -relative_position)",
    ),
})  # fmt: skip

# T5


SCORES, OUT = "scores = q @ k.transpose(-2, -1) + bias →", "return self.w_o(merge_heads(weights @ v)) →"
BLIND = "blind = (scores == -torch.inf).all(dim=-1, keepdim=True) →"
WEIGHTS = "weights = scores.masked_fill(blind, 0.0).softmax(dim=-1).masked_fill(blind, 0.0) →"
SOURCE_BIAS = "bias = bias + as_bias(source_mask, x).unsqueeze(-3)"
edits("T5", {
    "sdpa": (  # PyTorch's attention, told not to scale
        SCORES, BLIND, f"{WEIGHTS} bias = None if isinstance(bias, float) else bias",
        f"{OUT} return self.w_o(merge_heads(nn.functional.scaled_dot_product_attention(q, k, v, bias, scale=1.0)))",
    ),
    "exponentials": (  # the softmax by hand, 0 / 1 where nothing is seen
        BLIND, f"{WEIGHTS} top = scores.detach().amax(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)\n"
        "        weights = torch.exp(scores - top)\n        total = weights.sum(-1, keepdim=True)",
        f"{OUT} return self.w_o(merge_heads((weights / total.masked_fill(total == 0, 1.0)) @ v))",
    ),
    "boolean-masks": (  # one mask a stack, made from booleans; the bias as an expanded batch
        f"        if source_mask is not None:\n            {SOURCE_BIAS} → "
        "        if source_mask is None: source_mask = torch.ones_like(source, dtype=torch.bool)[:, None]\n"
        "        seen = source_mask[None] if source_mask.dim() == 2 else source_mask\n"
        "        bias = bias.expand(len(source), -1, -1, -1).masked_fill(~seen[:, None], -torch.inf)",
        "bias = self.position_bias(self.decoder_bias, length, False) + as_bias(past, x) → "
        "bias = torch.where(past, self.position_bias(self.decoder_bias, length, False), -torch.inf)",
    ),
    "tied-layer": (  # an output layer that shares the embedding's Parameter
        "        sizes, layers = → "
        "        self.output = nn.Linear(d_model, vocab_size, bias=False); self.output.weight = self.token_embedding.weight\n"
        "        sizes, layers =",
        "return x @ self.token_embedding.weight.T → return self.output(x)",
        "self.encoder_norm, self.decoder_norm = RMSNorm(d_model), RMSNorm(d_model) → "
        "self.encoder_norm, self.decoder_norm = (nn.RMSNorm(d_model, eps=1e-6) for _ in range(2))",
        "return x + self.feed_forward(self.norm2(x)) → return x.add(self.feed_forward(self.norm2(x)))",
    ),
})  # fmt: skip

# patchify

RESHAPED = "x = images.reshape(batch, channels, rows, patch_size, columns, patch_size) →"
PERMUTED = "return x.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1) →"
edits("patchify", {
    "tensor-unfold": (  # a view of windows, which is not `F.unfold`
        f"{RESHAPED} x = images.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)",
        f"{PERMUTED} return x.movedim(1, 3).flatten(3).flatten(1, 2)",
    ),
    "pixel-unshuffle": (
        f"{RESHAPED} x = F.pixel_unshuffle(images, patch_size)", f"{PERMUTED} return x.flatten(2).mT",
        "def patchify → from torch.nn import functional as F\n\n\ndef patchify",
    ),
    "slices": (
        f"{RESHAPED} corners = [(y, x) for y in range(0, height, patch_size) for x in range(0, width, patch_size)]",
        f"{PERMUTED} return torch.stack([images[:, :, y:y + patch_size, x:x + patch_size].reshape(batch, -1) "
        "for y, x in corners], dim=1)",
    ),
    "chunks": (
        "if height % patch_size or width % patch_size: → if any(side % patch_size != 0 for side in (height, width)):",
        f"{RESHAPED} strips = images.split(patch_size, dim=2)",
        f"{PERMUTED} return torch.stack([patch.flatten(1) for strip in strips for patch in strip.split(patch_size, -1)], 1)",
    ),
})  # fmt: skip

# ViT


EMBED = "x = self.patch_embedding(patchify(images, self.patch_size)) →"
JOIN = "x = self.dropout(self.positions(torch.cat([first, x], dim=1))) →"
FIRST, NORMED = "first = self.class_token.expand(len(x), 1, -1) →", "return self.classifier(self.encode(images)[:, 0]) →"
BLOCKS = "gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12)"
edits("ViT", {
    "places-apart": (  # patches by a convolution; they and the class token get their places before they are joined
        f"{EMBED} kernel, table = self.patch_embedding.weight, self.positions.table\n"
        "        kernel = kernel.view(-1, images.shape[1], self.patch_size, self.patch_size)\n"
        "        x = F.conv2d(images, kernel, self.patch_embedding.bias, self.patch_size).flatten(2).mT + table[1:]",
        f"{FIRST} first = (self.class_token + table[0]).repeat(images.shape[0], 1, 1)",
        f"{JOIN} x = self.dropout(torch.cat((first, x), 1))",
    ),
    "norm-of-one": (  # a norm looks at each vector alone
        "        return self.norm(x)\n →         return x\n",
        f"{NORMED} return self.classifier(self.norm(self.encode(images)[:, 0]))",
    ),
    "torch-norms": (
        "LayerNorm(d_model, 1e-12) → nn.LayerNorm(d_model, eps=1e-12)",
        "block.norm1, block.norm2 = LayerNorm(d_model, eps), LayerNorm(d_model, eps) → "
        "block.norm1 = nn.LayerNorm(d_model, eps=eps); block.norm2 = nn.LayerNorm(d_model, eps=eps)",
        f"{EMBED} p = self.patch_size\n"
        "        x = images.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)\n"
        "        x = F.linear(x, self.patch_embedding.weight, self.patch_embedding.bias)",
        f"{FIRST} first = self.class_token.repeat(x.size(0), 1).unsqueeze(1)",
    ),
    "written-into-a-table": (
        f"{FIRST} rows = x.new_empty(len(x), x.shape[1] + 1, x.shape[2])\n"
        "        rows[:, 0], rows[:, 1:] = self.class_token, x", f"{JOIN} x = self.dropout(self.positions(rows))",
    ),
})  # fmt: skip

# box_iou

LOW, HIGH = "low = torch.maximum(a[:, None, :2], b[None, :, :2]) →", "high = torch.minimum(a[:, None, 2:], b[None, :, 2:]) →"
COMMON, UNION = "common = (high - low).clamp(min=0).prod(dim=-1) →", "union = area_a[:, None] + area_b[None, :] - common →"
AREAS = "area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(dim=-1) for x in (a, b)) →"
EMPTY, RATIO = "empty = union == 0 →", "return torch.where(empty, 0.0, common / union.masked_fill(empty, 1.0)) →"
edits("box_iou", {
    "four-columns": (  # each coordinate by its own name
        f"{LOW} ax0, ay0, ax1, ay1 = a.unsqueeze(1).unbind(-1)", f"{HIGH} bx0, by0, bx1, by1 = b.unsqueeze(0).unbind(-1)",
        f"{COMMON} wide = (torch.min(ax1, bx1) - torch.max(ax0, bx0)).clamp_min(0)\n"
        "    tall = (torch.min(ay1, by1) - torch.max(ay0, by0)).clamp_min(0)\n    common = wide * tall",
        AREAS, f"{UNION} union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - common",
    ),
    "tiny": (  # divides by at least the smallest number that there is
        EMPTY, f"{RATIO} return common / union.clamp(min=torch.finfo(union.dtype).tiny)",
        "(high - low).clamp(min=0) → torch.relu(high - low)",
    ),
    "masked-place": (
        f"{EMPTY} there = union > 0", f"{RATIO} result = torch.zeros_like(union)\n"
        "    result[there] = common[there] / union[there]\n    return result",
        "(high - low).clamp(min=0) → torch.where(high > low, high - low, torch.zeros_like(high))",
    ),
    "one-when-empty": (EMPTY, f"{RATIO} return common / (union + (union == 0))"),
})  # fmt: skip
