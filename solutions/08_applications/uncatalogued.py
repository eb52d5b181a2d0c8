"""Wrong answers for which no id of the catalogue fits: they must fail and be given no name."""

from autograder.framework.known_answers import edits

# mask_tokens

# Bert

# next_token_loss

# Gpt

# sample_token

# generate

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
    "drops in evaluation as well": {"functions": "F.dropout(x, self.p, self.training) → F.dropout(x, self.p, True)"},
    "drops nothing": {"solution": ("self.dropout = nn.Dropout(dropout) → dropout = 0.0", "self.dropout( → (")},
    "returns probabilities": {"solution": "self.classifier(self.encode(images)[:, 0]) → "
                                          "self.classifier(self.encode(images)[:, 0]).softmax(dim=-1)"},
    "reads pixels before channels": {"torch-norms": "permute(0, 2, 3, 1, 4, 5) → permute(0, 2, 3, 4, 5, 1)"},
    "has a hidden layer to classify": {"solution": ("nn.Linear(d_model, num_classes) → nn.Linear(d_model, num_classes); "
        "self.pooler = nn.Linear(d_model, d_model)",
        "self.encode(images)[:, 0] → self.pooler(self.encode(images)[:, 0]).tanh()")},
    "names its blocks otherwise": {"solution": "self.blocks → self.layers"},
    "forgets to attend": {"solution": "x = block(x) → x = x + block.feed_forward(block.norm2(x))"},
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
