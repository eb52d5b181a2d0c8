"""Right answers in other styles, which must all earn full points and no name."""

import math

import torch
from torch import nn
from torch.nn import functional as F

from autograder.framework.known_answers import edits, variant

# mask_tokens

# Bert

# next_token_loss

# Gpt

# sample_token

# generate

# span_corruption

HEAD, REST = "inputs, targets, place = [], [], 0", "return inputs + list(tokens[place:]), targets + [eos_id]"
LOOP = "for sentinel, (start, length) in zip(sentinel_ids, spans, strict=False):"
CUT = "inputs += [*tokens[place:start], sentinel] →"
edits("span_corruption", {
    "from-the-back": {"solution": (  # spans are replaced in a copy, the last one first
        f"{HEAD} → inputs, targets = list(tokens), [eos_id]",
        f"{LOOP} → for number in reversed(range(len(spans))):", f"{CUT} start, length = spans[number]",
        "place = start + length → sentinel, span = sentinel_ids[number], inputs[start:start + length]",
        "targets += [sentinel, *tokens[start:place]] → inputs[start:start + length] = [sentinel]; "
        "targets = [sentinel] + span + targets",
        f"{REST} → return inputs, targets",
    )},
    "tensors": {"solution": (
        f"{HEAD} → tokens = torch.tensor(tokens)\n    inputs, targets, place = tokens[:0], tokens[:0], 0",
        f"{CUT} mark = tokens.new_tensor([sentinel]); inputs = torch.cat([inputs, tokens[place:start], mark])",
        "targets += [sentinel, *tokens[start:place]] → targets = torch.cat([targets, mark, tokens[start:place]])",
        f"{REST} → return torch.cat([inputs, tokens[place:]]), torch.cat([targets, tokens.new_tensor([eos_id])])",
    )},
    "tensors-in-lists": {"solution": f"{HEAD} → tokens = torch.tensor(tokens); {HEAD}"},
    "iterator": {"solution": (
        f"{HEAD} → names = iter(sentinel_ids)\n    {HEAD}", f"{LOOP} → for start, length in spans:",
        f"{CUT} sentinel = next(names)\n        inputs.extend(tokens[place:start]); inputs.append(sentinel)",
        f"{REST} → targets.append(eos_id)\n    inputs.extend(tokens[place:])\n    return tuple(inputs), tuple(targets)",
    )},
})  # fmt: skip


@variant("span_corruption", "while-loop")
def spans_by_position(tokens, spans, sentinel_ids, eos_id):
    inputs, targets, at, number = [], [], 0, 0
    while at < len(tokens):
        if number < len(spans) and spans[number][0] == at:
            inputs.append(sentinel_ids[number])
            targets.append(sentinel_ids[number])
            for _ in range(spans[number][1]):
                targets.append(tokens[at])
                at += 1
            number += 1
        else:
            inputs.append(tokens[at])
            at += 1
    return inputs, [*targets, eos_id]


@variant("span_corruption", "recursive")
def spans_by_recursion(tokens, spans, sentinel_ids, eos_id):
    if not spans:
        return list(tokens), [eos_id]
    (start, length), *rest = spans
    end = start + length
    moved = [(later - end, size) for later, size in rest]
    inputs, targets = spans_by_recursion(tokens[end:], moved, sentinel_ids[1:], eos_id)
    sentinel = [sentinel_ids[0]]
    return tokens[:start] + sentinel + inputs, sentinel + tokens[start:end] + targets


# relative_position_bucket

FIRST, ZEROS = "first = num_buckets * (relative_position > 0)", "    first = torch.zeros_like(relative_position)\n"
LOGARITHM = "share = torch.log(distance.clamp(min=1).double() / exact) / math.log(max_distance / exact)"
FAR, CLAMP = "far = exact + (share * (num_buckets - exact)).long()", "    far = far.clamp(max=num_buckets - 1)\n"
LAST = "return first + torch.where(distance < exact, distance, far)"
edits("relative_position_bucket", {
    "float32": {"solution": (  # as the original does it, in a running sum
        "distance.clamp(min=1).double() / exact) → distance.float().clamp(min=1e-6) / exact)",
        f"{FIRST} → first = first + (relative_position > 0).to(torch.long) * num_buckets",
        f"{CLAMP} →     far = torch.min(far, torch.full_like(far, num_buckets - 1))", "(share * (num_buckets - exact)).long() "
        "→ (share * (num_buckets - exact)).to(torch.long)",
    )},
    "boundaries": {"solution": (  # where each bucket begins
        f"{LOGARITHM} → wide = num_buckets - exact\n"
        "    begins = [exact * (max_distance / exact) ** (j / wide) for j in range(1, wide)]",
        f"{FAR} → begins = torch.tensor(begins, dtype=torch.float64, device=distance.device)", f"{CLAMP} →",
        f"{LAST} → far = exact + torch.bucketize(distance.double(), begins, right=True)\n"
        "    return first + distance.clamp(max=exact - 1) + (distance >= exact) * (far - exact + 1)",
    )},
    "count-passed": {"solution": (  # how many boundaries lie behind the distance, with powers and no logarithm
        f"{LOGARITHM} → steps = torch.arange(1, num_buckets - exact, device=distance.device).double()",
        f"{FAR} → begins = exact * (max_distance / exact) ** (steps / (num_buckets - exact))", f"{CLAMP} →",
        f"{LAST} → passed = (distance[..., None] >= begins - 1e-9).sum(-1)\n"
        "    return first + distance.clamp(max=exact) + passed",
    )},
    "log-base": {"solution": (
        f"{LOGARITHM} → x = distance.clamp(min=exact).to(torch.float64)\n"
        "    share = (x.log2() - math.log2(exact)) / (math.log2(max_distance) - math.log2(exact))",
        f"{FAR} → far = exact + torch.floor((share * (num_buckets - exact)).clamp(max=num_buckets - exact - 1)).to(distance)",
        f"{CLAMP} →", "(-relative_position).clamp(min=0) → -relative_position.clamp(max=0)",
    )},
    "in-place-of-a-copy": {"solution": (
        f"{LAST} → buckets = distance.clone()\n    buckets[distance >= exact] = far[distance >= exact]\n"
        "    return buckets + first", f"{ZEROS} →     first = 0\n",
        "relative_position.abs() → torch.maximum(relative_position, -relative_position)",
    )},
})  # fmt: skip


@variant("relative_position_bucket", "one-by-one")
def buckets_in_python(relative_position, bidirectional=True, num_buckets=32, max_distance=128):
    half = num_buckets // 2 if bidirectional else num_buckets
    exact = half // 2

    def bucket(position):
        behind, offset = (-position, 0) if position < 0 else (position, half) if bidirectional else (0, 0)
        if position == 0:
            offset = 0
        if behind < exact:
            return offset + behind
        wide = int(math.log(behind / exact) / math.log(max_distance / exact) * (half - exact))
        return offset + min(exact + wide, half - 1)

    found = [bucket(position) for position in relative_position.reshape(-1).tolist()]
    return torch.tensor(found, dtype=torch.int64, device=relative_position.device).reshape(relative_position.shape)


# T5


class _FromFile(nn.Module):
    """A model whose parameters bear the names of the file, with other signs in the place of the dots."""

    spare = ()

    def hold(self, shapes):
        self.numbers = nn.ParameterDict({n.replace(".", "/"): nn.Parameter(torch.zeros(s)) for n, s in shapes.items()})

    def __getitem__(self, name):
        return self.numbers[name.replace(".", "/")]

    def load_pretrained(self, state_dict):
        given = {n.replace(".", "/"): x for n, x in state_dict.items() if not n.startswith(self.spare)}
        if missing := set(self.numbers) - set(given):
            raise ValueError("missing: " + ", ".join(n.replace("/", ".") for n in missing))
        if unexpected := set(given) - set(self.numbers):
            raise ValueError("unexpected: " + ", ".join(n.replace("/", ".") for n in unexpected))
        with torch.no_grad():
            for name, number in self.numbers.items():
                number.copy_(given[name])


@variant("T5", "functions")
class T5OfFunctions(_FromFile):
    spare = ("encoder.embed_tokens", "decoder.embed_tokens", "lm_head")

    def __init__(self, vocab_size, d_model, num_heads, d_head, d_ff, num_layers, num_buckets=32, max_distance=128):
        super().__init__()
        self.layers, self.heads, self.buckets = range(num_layers), num_heads, (num_buckets, max_distance)
        inner = num_heads * d_head
        shapes = {"shared.weight": (vocab_size, d_model)}
        for stack, kinds in (("encoder", ["Self"]), ("decoder", ["Self", "EncDec"])):
            shapes[f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"] = (num_buckets, num_heads)
            shapes[f"{stack}.final_layer_norm.weight"] = (d_model,)
            for block in (f"{stack}.block.{i}.layer" for i in self.layers):
                for place, kind in enumerate(kinds):
                    shapes |= {f"{block}.{place}.{kind}Attention.{x}.weight": (inner, d_model) for x in "qkv"}
                    shapes[f"{block}.{place}.{kind}Attention.o.weight"] = (d_model, inner)
                shapes[f"{block}.{len(kinds)}.DenseReluDense.wi.weight"] = (d_ff, d_model)
                shapes[f"{block}.{len(kinds)}.DenseReluDense.wo.weight"] = (d_model, d_ff)
                shapes |= {f"{block}.{place}.layer_norm.weight": (d_model,) for place in range(len(kinds) + 1)}
        self.hold(shapes)

    def norm(self, name, x):
        return self[f"{name}.weight"] * x * torch.rsqrt((x * x).mean(-1, keepdim=True) + 1e-6)

    def bias(self, stack, length, both):
        table = self[f"{stack}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
        place = torch.arange(length, device=table.device)
        far = buckets_in_python(place[None, :] - place[:, None], both, *self.buckets)
        return F.embedding(far, table).movedim(-1, 0)

    def attend(self, name, x, memory, bias, allowed):
        q, k, v = (
            F.linear(given, self[f"{name}.{part}.weight"]).unflatten(-1, (self.heads, -1))
            for part, given in (("q", x), ("k", memory), ("v", memory))
        )
        scores = torch.einsum("bqhd, bkhd -> bhqk", q, k) + bias
        if allowed is not None:
            scores = scores.masked_fill(~allowed.unsqueeze(-3), torch.finfo(scores.dtype).min)
        weights = scores.softmax(-1)
        if allowed is not None:
            weights = weights * allowed.unsqueeze(-3)
        return F.linear(torch.einsum("bhqk, bkhd -> bqhd", weights, v).flatten(2), self[f"{name}.o.weight"])

    def feed(self, name, x):
        inside = F.linear(self.norm(f"{name}.layer_norm", x), self[f"{name}.DenseReluDense.wi.weight"])
        return x + F.linear(inside.clamp(min=0), self[f"{name}.DenseReluDense.wo.weight"])

    def forward(self, source, target_in, source_mask=None):
        x, y = (F.embedding(tokens, self["shared.weight"]) for tokens in (source, target_in))
        bias, n = self.bias("encoder", source.shape[1], True), target_in.shape[1]
        for block in (f"encoder.block.{i}.layer" for i in self.layers):
            normed = self.norm(f"{block}.0.layer_norm", x)
            x = self.feed(f"{block}.1", x + self.attend(f"{block}.0.SelfAttention", normed, normed, bias, source_mask))
        memory, bias = self.norm("encoder.final_layer_norm", x), self.bias("decoder", n, False)
        past = torch.arange(n, device=y.device)[:, None] >= torch.arange(n, device=y.device)
        for block in (f"decoder.block.{i}.layer" for i in self.layers):
            normed = self.norm(f"{block}.0.layer_norm", y)
            y = y + self.attend(f"{block}.0.SelfAttention", normed, normed, bias, past)
            normed = self.norm(f"{block}.1.layer_norm", y)
            y = self.feed(f"{block}.2", y + self.attend(f"{block}.1.EncDecAttention", normed, memory, 0.0, source_mask))
        y = self.norm("decoder.final_layer_norm", y)
        return torch.einsum("btd, vd -> btv", y, self["shared.weight"]) / math.sqrt(y.shape[-1])


SCORES, OUT = "scores = q @ k.transpose(-2, -1) + bias →", "return self.w_o(merge_heads(weights @ v)) →"
BLIND = "blind = (scores == -torch.inf).all(dim=-1, keepdim=True) →"
WEIGHTS = "weights = scores.masked_fill(blind, 0.0).softmax(dim=-1).masked_fill(blind, 0.0) →"
SOURCE_BIAS = "bias = bias + as_bias(source_mask, x).unsqueeze(-3)"
edits("T5", {
    "sdpa": {"solution": (  # PyTorch's attention, told not to scale
        SCORES, BLIND, f"{WEIGHTS} bias = None if isinstance(bias, float) else bias",
        f"{OUT} return self.w_o(merge_heads(nn.functional.scaled_dot_product_attention(q, k, v, bias, scale=1.0)))",
    )},
    "exponentials": {"solution": (  # the softmax by hand, 0 / 1 where nothing is seen
        BLIND, f"{WEIGHTS} top = scores.detach().amax(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)\n"
        "        weights = torch.exp(scores - top)\n        total = weights.sum(-1, keepdim=True)",
        f"{OUT} return self.w_o(merge_heads((weights / total.masked_fill(total == 0, 1.0)) @ v))",
    )},
    "head-by-head": {"solution": (
        SCORES, BLIND, f"{WEIGHTS} outputs = []\n        bias = torch.zeros((), device=q.device) + bias",
        f"{OUT} shape = (q.shape[0], q.shape[1], q.shape[2], k.shape[2])\n"
        "        for h, extra in enumerate(bias.expand(shape).unbind(1)):\n"
        "            scores = torch.baddbmm(extra.to(q.dtype), q[:, h], k[:, h].mT)\n"
        "            seen = (scores > -torch.inf).any(-1, keepdim=True)\n"
        "            weights = torch.where(seen, scores, torch.zeros_like(scores)).softmax(-1) * seen\n"
        "            outputs.append(weights @ v[:, h])\n        return self.w_o(torch.cat(outputs, -1))",
    )},
    "boolean-masks": {"solution": (  # one mask a stack, made from booleans; the bias as an expanded batch
        f"        if source_mask is not None:\n            {SOURCE_BIAS} → "
        "        if source_mask is None: source_mask = torch.ones_like(source, dtype=torch.bool)[:, None]\n"
        "        seen = source_mask[None] if source_mask.dim() == 2 else source_mask\n"
        "        bias = bias.expand(len(source), -1, -1, -1).masked_fill(~seen[:, None], -torch.inf)",
        "bias = self.position_bias(self.decoder_bias, length, False) + as_bias(past, x) → "
        "bias = torch.where(past, self.position_bias(self.decoder_bias, length, False), -torch.inf)",
        "return table(buckets).permute(2, 0, 1) → return table.weight.T[:, buckets]",
        "x = self.decoder_norm(x) * x.shape[-1] ** -0.5 → x = self.decoder_norm(x)",
        "return x @ self.token_embedding.weight.T → "
        "return nn.functional.linear(x, self.token_embedding.weight / math.sqrt(x.shape[-1]))",
    )},
    "tied-layer": {"solution": (  # an output layer that shares the embedding's Parameter
        "        sizes, layers = → "
        "        self.output = nn.Linear(d_model, vocab_size, bias=False); self.output.weight = self.token_embedding.weight\n"
        "        sizes, layers =",
        "return x @ self.token_embedding.weight.T → return self.output(x)",
        "self.encoder_norm, self.decoder_norm = RMSNorm(d_model), RMSNorm(d_model) → "
        "self.encoder_norm, self.decoder_norm = (nn.RMSNorm(d_model, eps=1e-6) for _ in range(2))",
        "return x + self.feed_forward(self.norm2(x)) → return x.add(self.feed_forward(self.norm2(x)))",
    )},
})  # fmt: skip

# patchify

RESHAPED = "x = images.reshape(batch, channels, rows, patch_size, columns, patch_size) →"
PERMUTED = "return x.permute(0, 2, 4, 1, 3, 5).reshape(batch, rows * columns, -1) →"
edits("patchify", {
    "tensor-unfold": {"solution": (  # a view of windows, which is not `F.unfold`
        f"{RESHAPED} x = images.unfold(2, patch_size, patch_size).unfold(3, patch_size, patch_size)",
        f"{PERMUTED} return x.movedim(1, 3).flatten(3).flatten(1, 2)",
    )},
    "pixel-unshuffle": {"solution": (
        f"{RESHAPED} x = F.pixel_unshuffle(images, patch_size)", f"{PERMUTED} return x.flatten(2).mT",
        "def patchify → from torch.nn import functional as F\n\n\ndef patchify",
    )},
    "slices": {"solution": (
        f"{RESHAPED} corners = [(y, x) for y in range(0, height, patch_size) for x in range(0, width, patch_size)]",
        f"{PERMUTED} return torch.stack([images[:, :, y:y + patch_size, x:x + patch_size].reshape(batch, -1) "
        "for y, x in corners], dim=1)",
    )},
    "chunks": {"solution": (
        "if height % patch_size or width % patch_size: → if any(side % patch_size != 0 for side in (height, width)):",
        f"{RESHAPED} strips = images.split(patch_size, dim=2)",
        f"{PERMUTED} return torch.stack([patch.flatten(1) for strip in strips for patch in strip.split(patch_size, -1)], 1)",
    )},
    "convolution": {"solution": (  # one filter for each number of a patch
        f"{RESHAPED} size = channels * patch_size ** 2\n    eye = torch.eye(size, dtype=images.dtype, device=images.device)",
        f"{PERMUTED} filters = eye.view(size, channels, patch_size, patch_size)\n"
        "    return torch.nn.functional.conv2d(images, filters, stride=patch_size).flatten(2).transpose(1, 2)",
    )},
    "gather": {"solution": (  # an index for every number
        f"{RESHAPED} place = torch.arange(channels * height * width, device=images.device).view(channels, height, width)",
        f"{PERMUTED} index = torch.stack([place[:, y:y + patch_size, x:x + patch_size].flatten()\n"
        "        for y in range(0, height, patch_size) for x in range(0, width, patch_size)])\n"
        "    return images.flatten(1)[:, index]",
    )},
})  # fmt: skip

# ViT


@variant("ViT", "functions")
class ViTOfFunctions(_FromFile):
    spare = ("vit.pooler",)

    def __init__(self, image_size, patch_size, channels, num_classes, d_model, num_heads, d_ff, num_layers, dropout=0.0):
        super().__init__()
        self.layers, self.heads, self.patch, self.p = range(num_layers), num_heads, patch_size, dropout
        patches = (image_size // patch_size) ** 2
        shapes = {"cls_token": (1, 1, d_model), "position_embeddings": (1, patches + 1, d_model)}
        shapes["patch_embeddings.projection.weight"] = (d_model, channels, patch_size, patch_size)
        shapes["patch_embeddings.projection.bias"] = (d_model,)
        shapes = {f"vit.embeddings.{name}": shape for name, shape in shapes.items()}
        linear = {
            "attention.attention.query": (d_model, d_model),
            "attention.attention.key": (d_model, d_model),
            "attention.attention.value": (d_model, d_model),
            "attention.output.dense": (d_model, d_model),
            "intermediate.dense": (d_ff, d_model),
            "output.dense": (d_model, d_ff),
        }
        sizes = {f"vit.encoder.layer.{i}.{name}": size for i in self.layers for name, size in linear.items()}
        sizes |= {f"vit.encoder.layer.{i}.layernorm_{x}": (d_model,) for i in self.layers for x in ("before", "after")}
        for name, size in (sizes | {"vit.layernorm": (d_model,), "classifier": (num_classes, d_model)}).items():
            shapes |= {f"{name}.weight": size, f"{name}.bias": size[:1]}
        self.hold(shapes)

    def linear(self, name, x):
        return torch.einsum("...i, oi -> ...o", x, self[f"{name}.weight"]) + self[f"{name}.bias"]

    def norm(self, name, x):
        x = x - x.mean(-1, keepdim=True)
        x = x / (x.pow(2).mean(-1, keepdim=True) + 1e-12).sqrt()
        return x * self[f"{name}.weight"] + self[f"{name}.bias"]

    def drop(self, x):
        return F.dropout(x, self.p, self.training)

    def attend(self, name, x):
        names = (f"{name}.attention.{part}" for part in ("query", "key", "value"))
        q, k, v = (self.linear(name, x).unflatten(-1, (self.heads, -1)) for name in names)
        weights = torch.einsum("bqhd, bkhd -> bhqk", q, k).div(math.sqrt(q.shape[-1])).softmax(-1)
        mixed = torch.einsum("bhqk, bkhd -> bqhd", self.drop(weights), v).flatten(2)
        return self.linear(f"{name}.output.dense", mixed)

    def forward(self, images):
        kernel = "vit.embeddings.patch_embeddings.projection"
        x = F.conv2d(images, self[f"{kernel}.weight"], self[f"{kernel}.bias"], stride=self.patch).flatten(2).transpose(1, 2)
        first = self["vit.embeddings.cls_token"].repeat(len(images), 1, 1)
        x = self.drop(torch.cat((first, x), 1) + self["vit.embeddings.position_embeddings"])
        for name in (f"vit.encoder.layer.{i}" for i in self.layers):
            x = x + self.drop(self.attend(f"{name}.attention", self.norm(f"{name}.layernorm_before", x)))
            hidden = F.gelu(self.linear(f"{name}.intermediate.dense", self.norm(f"{name}.layernorm_after", x)))
            x = x + self.drop(self.linear(f"{name}.output.dense", self.drop(hidden)))
        return self.linear("classifier", self.norm("vit.layernorm", x[:, 0]))


EMBED = "x = self.patch_embedding(patchify(images, self.patch_size)) →"
JOIN = "x = self.dropout(self.positions(torch.cat([first, x], dim=1))) →"
FIRST, NORMED = "first = self.class_token.expand(len(x), 1, -1) →", "return self.classifier(self.encode(images)[:, 0]) →"
BLOCKS = "gelu_block(d_model, num_heads, d_ff, dropout, norm_first=True, eps=1e-12)"
edits("ViT", {
    "places-apart": {"solution": (  # the class token and the patches get their places before they are joined
        f"{EMBED} table = self.positions.table\n"
        "        x = self.patch_embedding(patchify(images, self.patch_size)) + table[1:]",
        f"{FIRST} first = (self.class_token + table[0]).repeat(images.shape[0], 1, 1)",
        f"{JOIN} x = self.dropout(torch.cat((first, x), 1))",
    )},
    "norm-of-one": {"solution": (  # a norm looks at each vector alone
        "        return self.norm(x)\n →         return x\n",
        f"{NORMED} return self.classifier(self.norm(self.encode(images)[:, 0]))",
    )},
    "sequential": {"solution": (
        "nn.ModuleList(\n →  nn.Sequential(*(\n", f"{BLOCKS}\n            for _ in range(num_layers)) → {BLOCKS}\n"
        "            for _ in range(num_layers)))", "        for block in self.blocks:\n            x = block(x)\n →",
        "return self.norm(x) → return self.norm(self.blocks(x))",
    )},
    "torch-norms": {"solution": (
        "LayerNorm(d_model, 1e-12) → nn.LayerNorm(d_model, eps=1e-12)",
        "block.norm1, block.norm2 = LayerNorm(d_model, eps), LayerNorm(d_model, eps) → "
        "block.norm1 = nn.LayerNorm(d_model, eps=eps); block.norm2 = nn.LayerNorm(d_model, eps=eps)",
        f"{EMBED} p = self.patch_size\n"
        "        x = images.unfold(2, p, p).unfold(3, p, p).permute(0, 2, 3, 1, 4, 5).flatten(3).flatten(1, 2)\n"
        "        x = F.linear(x, self.patch_embedding.weight, self.patch_embedding.bias)",
        f"{FIRST} first = self.class_token.repeat(x.size(0), 1).unsqueeze(1)",
    )},
    "written-into-a-table": {"solution": (
        f"{FIRST} rows = x.new_empty(len(x), x.shape[1] + 1, x.shape[2])\n"
        "        rows[:, 0], rows[:, 1:] = self.class_token, x", f"{JOIN} x = self.dropout(self.positions(rows))",
    )},
})  # fmt: skip

# box_iou

LOW, HIGH = "low = torch.maximum(a[:, None, :2], b[None, :, :2]) →", "high = torch.minimum(a[:, None, 2:], b[None, :, 2:]) →"
COMMON, UNION = "common = (high - low).clamp(min=0).prod(dim=-1) →", "union = area_a[:, None] + area_b[None, :] - common →"
AREAS = "area_a, area_b = ((x[:, 2:] - x[:, :2]).prod(dim=-1) for x in (a, b)) →"
EMPTY, RATIO = "empty = union == 0 →", "return torch.where(empty, 0.0, common / union.masked_fill(empty, 1.0)) →"
edits("box_iou", {
    "four-columns": {"solution": (  # each coordinate by its own name
        f"{LOW} ax0, ay0, ax1, ay1 = a.unsqueeze(1).unbind(-1)", f"{HIGH} bx0, by0, bx1, by1 = b.unsqueeze(0).unbind(-1)",
        f"{COMMON} wide = (torch.min(ax1, bx1) - torch.max(ax0, bx0)).clamp_min(0)\n"
        "    tall = (torch.min(ay1, by1) - torch.max(ay0, by0)).clamp_min(0)\n    common = wide * tall",
        AREAS, f"{UNION} union = (ax1 - ax0) * (ay1 - ay0) + (bx1 - bx0) * (by1 - by0) - common",
    )},
    "tiny": {"solution": (  # divides by at least the smallest number that there is
        EMPTY, f"{RATIO} return common / union.clamp(min=torch.finfo(union.dtype).tiny)",
        "(high - low).clamp(min=0) → torch.relu(high - low)",
    )},
    "masked-place": {"solution": (
        f"{EMPTY} there = union > 0", f"{RATIO} result = torch.zeros_like(union)\n"
        "    result[there] = common[there] / union[there]\n    return result",
        "(high - low).clamp(min=0) → torch.where(high > low, high - low, torch.zeros_like(high))",
    )},
    "one-when-empty": {"solution": (EMPTY, f"{RATIO} return common / (union + (union == 0))")},
    "expanded": {"solution": (
        f"{LOW} n, m = len(a), len(b)\n    pairs = torch.cat([a.repeat_interleave(m, 0), b.repeat(n, 1)], dim=1)",
        f"{HIGH} low, high = pairs[:, [0, 1, 4, 5]].view(-1, 2, 2).amax(1), pairs[:, [2, 3, 6, 7]].view(-1, 2, 2).amin(1)",
        f"{UNION} union = (area_a[:, None] + area_b).flatten() - common",
        f"{RATIO} return torch.where(empty, 0.0, common / union.masked_fill(empty, 1.0)).view(n, m)",
    )},
})  # fmt: skip


@variant("box_iou", "pair-by-pair")
def box_iou_by_loop(a, b):
    def area(x0, y0, x1, y1):
        return (x1 - x0) * (y1 - y0)

    rows = []
    for one in a:
        row = [a.new_zeros(0)]
        for other in b:
            x0, y0 = torch.max(one[:2], other[:2])
            x1, y1 = torch.min(one[2:], other[2:])
            shared = area(x0, y0, x1, y1) if x1 > x0 and y1 > y0 else 0.0 * (x0 + x1)
            whole = area(*one) + area(*other) - shared
            row.append((shared / whole if whole > 0 else 0.0 * whole).reshape(1))
        rows.append(torch.cat(row))
    return torch.stack(rows) if rows else a.new_zeros(0, len(b))
