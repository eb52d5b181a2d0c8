"""Right answers in other styles, which must all earn full points and no name."""

import math

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from autograder.framework.known_answers import edits, variant

# mask_tokens


@variant("mask_tokens", "bernoulli")
def blanks_by_bernoulli(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    special = torch.zeros(vocab_size, dtype=torch.bool, device=tokens.device)
    special[[int(i) for i in special_ids]] = True
    inputs, labels = tokens.clone(), tokens.clone()
    chance = torch.full(tokens.shape, rate, device=tokens.device)
    chance.masked_fill_(special[tokens], 0.0)
    chosen = torch.bernoulli(chance, generator=generator).bool()
    labels[~chosen] = -100
    mask = torch.bernoulli(torch.full(tokens.shape, 0.8), generator=generator).bool().to(tokens.device) & chosen
    inputs[mask] = mask_id
    half = torch.bernoulli(torch.full(tokens.shape, 0.5), generator=generator).bool().to(tokens.device)
    ordinary = (~special).nonzero().flatten()
    other = ordinary[torch.randint(len(ordinary), tokens.shape, generator=generator).to(tokens.device)]
    swap = half & chosen & ~mask
    inputs[swap] = other[swap]
    return inputs, labels


@variant("mask_tokens", "fates")
def blanks_by_fates(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    """The chosen places as a list, and a fate for each."""
    special = torch.tensor([int(i) for i in special_ids])
    places = (torch.rand(tokens.shape, generator=generator) < rate).to(tokens.device)
    places = places & (tokens.unsqueeze(-1) != special.to(tokens)).all(-1)
    fate = torch.multinomial(torch.tensor([0.8, 0.1, 0.1]), tokens.numel(), replacement=True, generator=generator)
    allowed = torch.ones(vocab_size)
    allowed[special] = 0.0
    words = torch.multinomial(allowed, tokens.numel(), replacement=True, generator=generator)
    fate, words = fate.view(tokens.shape).to(tokens), words.view(tokens.shape).to(tokens)
    inputs = tokens.clone()
    inputs = inputs.masked_fill(places & (fate == 0), mask_id)
    inputs = torch.where(places & (fate == 1), words, inputs)
    labels = torch.full_like(tokens, -100)
    labels[places] = tokens[places]
    return inputs, labels


@variant("mask_tokens", "lists")
def blanks_in_lists(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    special = frozenset(int(i) for i in special_ids)
    words = [i for i in range(vocab_size) if i not in special]
    numbers = torch.rand(tokens.numel(), 3, generator=generator, dtype=torch.float64).tolist()
    inputs, labels = [], []
    for token, (u, v, w) in zip(tokens.flatten().tolist(), numbers, strict=True):
        if token in special or u >= rate:
            inputs.append(token), labels.append(-100)
            continue
        labels.append(token)
        inputs.append(mask_id if v < 0.8 else words[int(w * len(words))] if v < 0.9 else token)
    return tuple(tokens.new_tensor(x).view_as(tokens) for x in (inputs, labels))


@variant("mask_tokens", "numpy")
def blanks_by_numpy(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    special = sorted(int(i) for i in special_ids)
    draw = np.random.default_rng(int(torch.randint(2**31, (1,), generator=generator)))
    old = tokens.cpu().numpy()
    chosen = np.logical_and(draw.random(old.shape) < rate, np.isin(old, special, invert=True))
    new, count = old.copy(), int(chosen.sum())
    kept = old[chosen]
    kind = draw.choice(3, size=count, p=[0.8, 0.1, 0.1])
    words = draw.choice(np.setdiff1d(np.arange(vocab_size), special), size=count)
    new[chosen] = np.where(kind == 0, mask_id, np.where(kind == 1, words, kept))
    labels = np.where(chosen, old, np.full_like(old, -100))
    return torch.from_numpy(new).to(tokens.device), torch.from_numpy(labels).to(tokens.device)


@variant("mask_tokens", "one-number")
def blanks_by_one_number(tokens, mask_id, vocab_size, special_ids, rate=0.15, generator=None):
    """One number a token for choice and fate; an id that is special is drawn again."""
    special = torch.as_tensor(sorted(special_ids)).to(tokens)
    number = torch.rand(tokens.shape, generator=generator, dtype=torch.float64).to(tokens.device) / max(rate, 1e-12)
    number = torch.where((number >= 1) | torch.isin(tokens, special), 2.0, number)
    words = torch.randint(0, vocab_size, tokens.shape, generator=generator).to(tokens)
    while (wrong := torch.isin(words, special)).any():
        words = torch.where(wrong, torch.randint(0, vocab_size, tokens.shape, generator=generator).to(tokens), words)
    inputs = torch.where(number < 0.1, words, torch.where(number < 0.9, mask_id, tokens))
    return inputs, tokens.masked_fill(number > 1, -100)


# Bert

edits("Bert", {
    "sequential": {"solution": (  # segments as rows of a table, blocks looked up by their numbers, dropout as a function
        "self.dropout = nn.Dropout(dropout) → self.rate, self.depth = dropout, num_layers",
        "self.blocks = nn.ModuleList( → self.blocks = nn.Sequential(*(",
            "for _ in range(num_layers)) → for _ in range(num_layers)))",
        "if segments is None: → kinds = self.segment_embedding.weight", "    segments = torch.zeros_like(tokens) →",
        "self.segment_embedding(segments) → (kinds[0] if segments is None else kinds[segments])",
        "self.dropout(self.norm(self.positions(x))) → F.dropout(self.norm(self.positions(x)), self.rate, self.training)",
        "for block in self.blocks: → for number in range(self.depth):",
            "x = block(x, mask=mask) → x = self.blocks[number](x, mask)",
    )},
    "library-norms": {"solution": (  # PyTorch's norms, GELU from its formula, the table of positions added by hand
        "LayerNorm = my.EncoderBlock, my.FeedForward, my.LayerNorm → LayerNorm = my.EncoderBlock, my.FeedForward, nn.LayerNorm",
        "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)",
        "self.linear2(self.drop(hidden)) → self.linear2(self.drop(hidden * (1 + torch.erf(hidden / 2 ** 0.5)) / 2))",
        "if segments is None: → seq = tokens.size(-1)\n        if seq > len(self.positions.table):\n"
        "            raise ValueError(f'seq is {seq}, more than max_len={len(self.positions.table)}')\n        if segments is "
            "None:",
        "self.positions(x) → x + self.positions.table[None, :seq]",
    )},
})  # fmt: skip


class _Layer(nn.Module):
    """A block of one fused projection; with `first` its norms come first."""

    def __init__(self, d_model, num_heads, d_ff, dropout, eps, first=False, tanh=False):
        super().__init__()
        self.heads, self.first, self.drop = num_heads, first, nn.Dropout(dropout)
        self.qkv, self.out = nn.Linear(d_model, 3 * d_model), nn.Linear(d_model, d_model)
        self.up, self.down = nn.Linear(d_model, d_ff), nn.Linear(d_ff, d_model)
        self.ln1, self.ln2 = nn.LayerNorm(d_model, eps=eps), nn.LayerNorm(d_model, eps=eps)
        self.gelu = nn.GELU(approximate="tanh" if tanh else "none")

    def look(self, x, mask):
        q, k, v = (y.unflatten(-1, (self.heads, -1)).transpose(1, 2) for y in self.qkv(x).chunk(3, dim=-1))
        mask = mask if mask is None else mask.unsqueeze(-3)
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=self.drop.p * self.training)
        return self.drop(self.out(found.transpose(1, 2).flatten(2)))

    def feed(self, x):
        return self.drop(self.down(self.drop(self.gelu(self.up(x)))))

    def forward(self, x, mask):
        if self.first:
            x = x + self.look(self.ln1(x), mask)
            return x + self.feed(self.ln2(x))
        x = self.ln1(x + self.look(x, mask))
        return self.ln2(x + self.feed(x))


def _filled(model, found, names, prefix, spare):
    """Copies a checkpoint into parameters; `names` says from which tensors each is joined."""
    left = {name.removeprefix(prefix): x for name, x in found.items()}
    wanted = {name for parts in names.values() for name in parts}
    missing, more = wanted - left.keys(), {name for name in left.keys() - wanted if not any(part in name for part in spare)}
    if missing or more:
        raise ValueError(f"missing: {sorted(missing)}, not wanted: {sorted(more)}")
    with torch.no_grad():
        for name, parts in names.items():
            model.get_parameter(name).copy_(torch.cat([left[part] for part in parts]))


@variant("Bert", "own-names")
class BertOfItsOwn(nn.Module):
    def __init__(self, vocab_size, d_model, num_heads, d_ff, num_layers, max_len, num_segments=2, dropout=0.0, eps=1e-12):
        super().__init__()
        self.max_len = max_len
        self.words, self.kinds, self.places = (nn.Embedding(n, d_model) for n in (vocab_size, num_segments, max_len))
        self.start = nn.Sequential(nn.LayerNorm(d_model, eps), nn.Dropout(dropout))
        self.layers = nn.ModuleList([_Layer(d_model, num_heads, d_ff, dropout, eps) for _ in range(num_layers)])

    def forward(self, tokens, segments=None, mask=None):
        seq = tokens.shape[1]
        if not seq <= self.max_len:
            raise ValueError(f"max_len is {self.max_len}, and there are {seq} tokens")
        kinds = self.kinds(tokens * 0 if segments is None else segments)
        x = self.start(self.words(tokens) + kinds + self.places(torch.arange(seq, device=tokens.device)))
        for layer in self.layers:
            x = layer(x, mask)
        return x

    def load_pretrained(self, state_dict):
        names = {"words.weight": ["embeddings.word_embeddings.weight"],
            "kinds.weight": ["embeddings.token_type_embeddings.weight"],
                 "places.weight": ["embeddings.position_embeddings.weight"]}  # fmt: skip
        for part in ("weight", "bias"):
            names[f"start.0.{part}"] = [f"embeddings.LayerNorm.{part}"]
            for i in range(len(self.layers)):
                ours, theirs = f"layers.{i}", f"encoder.layer.{i}"
                names[f"{ours}.qkv.{part}"] = [f"{theirs}.attention.self.{x}.{part}" for x in ("query", "key", "value")]
                for x, y in (("out", "attention.output.dense"), ("ln1", "attention.output.LayerNorm"), ("ln2",
                    "output.LayerNorm"),
                             ("up", "intermediate.dense"), ("down", "output.dense")):  # fmt: skip
                    names[f"{ours}.{x}.{part}"] = [f"{theirs}.{y}.{part}"]
        _filled(self, state_dict, names, "bert.", ("pooler.", "cls.", "position_ids"))


@variant("Bert", "functions")
class BertOfFunctions(nn.Module):
    """One dictionary of parameters under a checkpoint's own names; attention written out with einsum."""

    def __init__(self, vocab_size, d_model, num_heads, d_ff, num_layers, max_len, num_segments=2, dropout=0.0, eps=1e-12):
        super().__init__()
        self.heads, self.rate, self.eps, self.depth, self.longest = num_heads, dropout, eps, num_layers, max_len
        shapes = {f"{name}_embeddings": (n, d_model)
                  for name, n in (("word", vocab_size), ("token_type", num_segments), ("position", max_len))}  # fmt: skip
        self.numbers = nn.ParameterDict({f"embeddings/{k}/weight": nn.Parameter(torch.randn(s)) for k, s in shapes.items()})
        self.norm("embeddings/LayerNorm", d_model)
        for layer in (f"encoder/layer/{i}" for i in range(num_layers)):
            for name in ("attention/self/query", "attention/self/key", "attention/self/value", "attention/output/dense"):
                self.linear(f"{layer}/{name}", d_model, d_model)
            self.linear(f"{layer}/intermediate/dense", d_model, d_ff)
            self.linear(f"{layer}/output/dense", d_ff, d_model)
            self.norm(f"{layer}/attention/output/LayerNorm", d_model)
            self.norm(f"{layer}/output/LayerNorm", d_model)

    def linear(self, name, d_in, d_out):
        self.numbers[f"{name}/weight"] = nn.Parameter(torch.randn(d_out, d_in) / d_in**0.5)
        self.numbers[f"{name}/bias"] = nn.Parameter(torch.zeros(d_out))

    def norm(self, name, d_model):
        self.numbers[f"{name}/weight"], self.numbers[f"{name}/bias"] = (
            nn.Parameter(torch.full((d_model,), x)) for x in (1.0, 0.0)
        )

    def at(self, name, x):
        weight, bias = self.numbers[f"{name}/weight"], self.numbers[f"{name}/bias"]
        if not name.endswith("LayerNorm"):
            return torch.einsum("bsi,oi->bso", x, weight) + bias
        centred = x - x.mean(-1, keepdim=True)
        return weight * centred * torch.rsqrt(centred.square().mean(-1, keepdim=True) + self.eps) + bias

    def drop(self, x):
        return F.dropout(x, self.rate) if self.training else x

    def forward(self, tokens, segments=None, mask=None):
        words, kinds, places = (self.numbers[f"embeddings/{x}_embeddings/weight"] for x in ("word", "token_type", "position"))
        batch, seq = tokens.shape
        if seq > self.longest:
            raise ValueError(f"{seq=} must be at most max_len={self.longest}")
        x = words[tokens] + places[:seq] + (kinds[:1] if segments is None else kinds[segments])
        x = self.drop(self.at("embeddings/LayerNorm", x))
        for layer in (f"encoder/layer/{i}" for i in range(self.depth)):
            q, k, v = (
                self.at(f"{layer}/attention/self/{y}", x).view(batch, seq, self.heads, -1) for y in ("query", "key", "value")
            )
            scores = torch.einsum("bqhd,bkhd->bhqk", q, k) * q.shape[-1] ** -0.5
            if mask is not None:
                seen = mask if mask.dim() == 2 else mask[:, None]
                scores = scores.masked_fill(~seen, -torch.inf)
            shares = scores.exp() / scores.exp().sum(-1, keepdim=True).clamp(min=1e-30)
            found = torch.einsum("bhqk,bkhd->bqhd", self.drop(shares), v).reshape(batch, seq, -1)
            x = self.at(f"{layer}/attention/output/LayerNorm", x + self.drop(self.at(f"{layer}/attention/output/dense", found)))
            hidden = self.drop(F.gelu(self.at(f"{layer}/intermediate/dense", x)))
            x = self.at(f"{layer}/output/LayerNorm", x + self.drop(self.at(f"{layer}/output/dense", hidden)))
        return x

    def load_pretrained(self, state_dict):
        names = {f"numbers.{name}": [name.replace("/", ".")] for name in self.numbers}
        _filled(self, state_dict, names, "bert.", ("pooler", "cls.", "position_ids"))


# next_token_loss

PAIR, RETURN = "said, right = logits[:, :-1], tokens[:, 1:] →", "return F.cross_entropy(said.flatten(0, 1), right.flatten()) →"
edits("next_token_loss", {
    "classes-second": {"solution": (PAIR, f"{RETURN} return F.cross_entropy(logits[:, :-1].transpose(1, 2), tokens[:, 1:])")},
    "gather": {"solution": (
        f"{PAIR} log_p = torch.log_softmax(logits, dim=-1)[:, :-1]",
        f"{RETURN} return -torch.gather(log_p, -1, tokens[:, 1:, None]).mean()",
    )},
    "ignored-place": {"solution": (  # the last place is kept and left out of the mean
        f"{PAIR} aims = tokens.roll(-1, dims=1).index_fill(1, torch.tensor([tokens.shape[1] - 1], device=tokens.device), -100)",
        f"{RETURN} return F.cross_entropy(logits.reshape(-1, logits.shape[-1]), aims.reshape(-1), ignore_index=-100)",
    )},
    "one-hot": {"solution": (
        f"{PAIR} hot = F.one_hot(tokens[:, 1:], logits.shape[-1]).to(logits.dtype)",
        f"{RETURN} return (logits[:, :-1].logsumexp(-1) - (hot * logits[:, :-1]).sum(-1)).mean()",
    )},
    "place-by-place": {"solution": (
        f"{PAIR} steps = range(tokens.shape[1] - 1)",
        f"{RETURN} return sum(F.cross_entropy(logits[:, t], tokens[:, t + 1]) for t in steps) / len(steps)",
    )},
    "negative-log-likelihood": {"solution": (
        f"{PAIR} rows = logits.narrow(1, 0, logits.size(1) - 1).log_softmax(2)",
        f"{RETURN} return F.nll_loss(rows.permute(0, 2, 1), tokens.narrow(1, 1, tokens.size(1) - 1))",
    )},
})  # fmt: skip

# Gpt

edits("Gpt", {
    "output-layer": {"solution": (  # an output layer whose weight is the embedding's, one mask cut to length
        "self.norm = LayerNorm(d_model) → self.norm = LayerNorm(d_model)\n"
        "        self.output = nn.Linear(d_model, vocab_size, bias=False)\n        self.output.weight = "
            "self.token_embedding.weight\n"
        "        self.register_buffer('past', create_look_ahead_mask(max_len), persistent=False)",
        "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → mask = self.past[:tokens.shape[1], :tokens.shape[1]]",
        "self.norm(x) @ self.token_embedding.weight.T → self.output(self.norm(x))",
    )},
    "library-norms": {"solution": (  # PyTorch's norms, the tanh form written out, one block after the other by recursion
        "LayerNorm = my.EncoderBlock, my.FeedForward, my.LayerNorm → LayerNorm = my.EncoderBlock, my.FeedForward, nn.LayerNorm",
        "F.gelu(self.linear1(x), approximate=self.approximate) → self.linear1(x)",
        "hidden = → inner = lambda h: (2 / torch.pi) ** 0.5 * (h + 0.044715 * h**3)\n        hidden =",
        "self.linear2(self.drop(hidden)) → self.linear2(self.drop(0.5 * hidden * (1 + torch.tanh(inner(hidden)))))",
        "mask = create_look_ahead_mask(tokens.shape[1]).to(x.device) → place = torch.arange(x.size(1), device=x.device)",
        "mask=mask → mask=(place[:, None] >= place)[None]",
        "self.norm(x) @ self.token_embedding.weight.T → torch.einsum('bsd,vd->bsv', self.norm(x), self.token_embedding.weight)",
    )},
})  # fmt: skip


@variant("Gpt", "own-names")
class GptOfItsOwn(nn.Module):
    """Fused projections, the mask of full size as numbers, the output a function of the embedding."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, dropout=0.0):
        super().__init__()
        self.wte, self.wpe, self.max_len = nn.Embedding(vocab_size, d_model), nn.Embedding(max_len, d_model), max_len
        self.drop, self.ln_f = nn.Dropout(dropout), nn.LayerNorm(d_model)
        sizes = d_model, num_heads, 4 * d_model, dropout, 1e-5
        self.layers = nn.ModuleList(_Layer(*sizes, first=True, tanh=True) for _ in range(num_layers))

    def forward(self, tokens):
        _, seq = tokens.size()
        if seq > self.max_len:
            raise ValueError(f"sequence of {seq} tokens, but max_len is {self.max_len}")
        x = self.drop(self.wte(tokens) + self.wpe.weight[:seq])
        past = torch.ones(seq, seq, dtype=torch.bool, device=tokens.device).tril()
        for layer in self.layers:
            x = layer(x, past)
        return F.linear(self.ln_f(x), self.wte.weight)

    def load_pretrained(self, state_dict):
        found = {
            name.removeprefix("transformer."): x
            for name, x in state_dict.items()
            if not name.endswith(("lm_head.weight", ".attn.bias"))
        }
        found = {name: x.T if x.dim() == 2 and name.startswith("h.") else x for name, x in found.items()}
        names = {f"{x}.weight": [f"{x}.weight"] for x in ("wte", "wpe")}
        for part in ("weight", "bias"):
            names[f"ln_f.{part}"] = [f"ln_f.{part}"]
            for i in range(len(self.layers)):
                for x, y in (("qkv", "attn.c_attn"), ("out", "attn.c_proj"), ("up", "mlp.c_fc"), ("down", "mlp.c_proj"),
                             ("ln1", "ln_1"), ("ln2", "ln_2")):  # fmt: skip
                    names[f"layers.{i}.{x}.{part}"] = [f"h.{i}.{y}.{part}"]
        _filled(self, found, names, "transformer.", ())


@variant("Gpt", "functions")
class GptOfFunctions(nn.Module):
    """Parameters under a checkpoint's own names, in its own layout; attention a head at a time."""

    def __init__(self, vocab_size, d_model, num_heads, num_layers, max_len, dropout=0.0):
        super().__init__()
        self.heads, self.depth, self.rate = num_heads, num_layers, dropout
        shapes = {
            "wte/weight": (vocab_size, d_model),
            "wpe/weight": (max_len, d_model),
            "ln_f/weight": (d_model,),
            "ln_f/bias": (d_model,),
        }
        for i in range(num_layers):
            for name, rows, columns in (("attn/c_attn", 1, 3), ("attn/c_proj", 1, 1), ("mlp/c_fc", 1, 4), ("mlp/c_proj", 4, 1)):
                shapes |= {
                    f"h/{i}/{name}/weight": (rows * d_model, columns * d_model),
                    f"h/{i}/{name}/bias": (columns * d_model,),
                }
            shapes |= {f"h/{i}/ln_{n}/{part}": (d_model,) for n in (1, 2) for part in ("weight", "bias")}
        self.numbers = nn.ParameterDict({name: nn.Parameter(0.02 * torch.randn(shape)) for name, shape in shapes.items()})

    def norm(self, name, x):
        return F.layer_norm(x, x.shape[-1:], self.numbers[f"{name}/weight"], self.numbers[f"{name}/bias"], 1e-5)

    def affine(self, name, x):
        return x @ self.numbers[f"{name}/weight"] + self.numbers[f"{name}/bias"]

    def drop(self, x):
        return F.dropout(x, self.rate, self.training)

    def forward(self, tokens):
        words, places = self.numbers["wte/weight"], self.numbers["wpe/weight"]
        seq = tokens.shape[1]
        if seq > len(places):
            raise ValueError(f"{seq} tokens do not fit into max_len={len(places)}")
        x = self.drop(words[tokens] + places[:seq])
        blind = torch.full((seq, seq), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
        for layer in (f"h/{i}" for i in range(self.depth)):
            made = self.affine(f"{layer}/attn/c_attn", self.norm(f"{layer}/ln_1", x)).chunk(3, dim=-1)
            heads = []
            for q, k, v in zip(*(y.chunk(self.heads, dim=-1) for y in made), strict=True):
                shares = torch.softmax(q @ k.mT / q.shape[-1] ** 0.5 + blind, dim=-1)
                heads.append(self.drop(shares) @ v)
            x = x + self.drop(self.affine(f"{layer}/attn/c_proj", torch.cat(heads, dim=-1)))
            hidden = F.gelu(self.affine(f"{layer}/mlp/c_fc", self.norm(f"{layer}/ln_2", x)), approximate="tanh")
            x = x + self.drop(self.affine(f"{layer}/mlp/c_proj", hidden))
        return self.norm("ln_f", x) @ words.mT

    def load_pretrained(self, state_dict):
        names = {f"numbers.{name}": [name.replace("/", ".")] for name in self.numbers}
        _filled(self, state_dict, names, "transformer.", ("lm_head", "attn.bias"))


# sample_token

edits("sample_token", {
    "thresholds": {"solution": (  # the smallest logit that is kept, of both filters; what is left out gets a very low one
        "smallest = logits.topk(top_k, dim=-1).values[:, -1:] → smallest = logits.sort(-1).values[:, -top_k, None]",
        "logits.masked_fill(logits < smallest, -torch.inf) → torch.where(logits >= smallest, logits, -1e9)",
        "spare = torch.zeros_like(before, dtype=torch.bool).scatter( → "
            "last = (before < top_p).sum(-1, keepdim=True).clamp(min=1) - 1",
        "            -1, ids, (before >= top_p) & (before > 0)) → "
            "        spare = logits < logits.gather(-1, ids.gather(-1, last))",
    )},
})  # fmt: skip


@variant("sample_token", "sorted")
def draw_from_sorted(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """Everything in the order of likelihood; the places that are drawn are looked up at the end."""
    ordered, ids = torch.sort(logits, dim=-1, descending=True, stable=True)
    if not temperature:
        return ids[:, 0]
    shares = torch.softmax(ordered / temperature, dim=-1)
    if top_k:
        shares[:, top_k:] = 0
        shares = shares / shares.sum(-1, keepdim=True)
    if top_p is not None:
        inside = torch.cat([torch.ones_like(shares[:, :1], dtype=torch.bool), shares.cumsum(-1)[:, :-1] < top_p], dim=-1)
        shares = shares * inside
    return ids.gather(-1, torch.multinomial(shares, num_samples=1, generator=generator)).flatten()


@variant("sample_token", "gumbel")
def draw_by_noise(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """The largest of logits with Gumbel noise; tokens are counted from the likeliest one."""
    if temperature == 0:
        return torch.max(logits, dim=-1).indices
    logits = logits.double() * (1 / temperature)
    rank = logits.argsort(-1, descending=True).argsort(-1)
    logits = logits.masked_fill(rank >= (logits.shape[-1] if top_k is None else top_k), -torch.inf)
    if top_p is not None:
        p = logits.softmax(-1)
        above = (p[:, None, :] * (p[:, None, :] > p[:, :, None])).sum(-1)
        logits = logits.masked_fill((above >= top_p) & (rank > 0), -torch.inf)
    u = torch.rand(logits.shape, generator=generator, dtype=torch.float64).to(logits.device)
    return (logits - torch.log(-torch.log(u))).argmax(-1)


@variant("sample_token", "inverse")
def draw_by_inverse(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """One number between 0 and 1 a row, looked up in the sums of what is left."""
    if temperature == 0:
        return logits.argmax(-1)
    log_p = (logits / temperature).log_softmax(-1)
    order = log_p.argsort(-1, descending=True)
    log_p = log_p.gather(-1, order)[:, :top_k].double()
    sums = log_p.softmax(-1).cumsum(-1)
    if top_p is not None:
        keep = (sums < top_p).sum(-1).clamp(max=sums.shape[-1] - 1)
        sums = torch.minimum(sums, sums.gather(-1, keep[:, None]))
    u = torch.rand(len(logits), 1, generator=generator, dtype=torch.float64).to(logits.device) * sums[:, -1:]
    place = (sums <= u).sum(-1, keepdim=True)
    return order.gather(-1, place)[:, 0]


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
    "table": {"solution": (  # one table for all tokens, filled column by column
        "past, new = None, tokens → seq, past, read = tokens.shape[1], None, 0\n"
        "    table = torch.cat([tokens, tokens.new_zeros(len(tokens), max_new_tokens)], dim=1)",
        "for _ in range(max_new_tokens): → for place in range(seq, table.shape[1]):",
        "model.extend(new, past) → model.extend(table[:, read:place], past=past)",
            "logits = model(tokens) → logits = model(table[:, :place])",
        "new = sampler(logits[:, -1]).unsqueeze(1) → table[:, place] = sampler(logits[:, -1])",
        "tokens = torch.cat([tokens, new], dim=1) → read = place", "return tokens → return table",
    )},
    "columns": {"solution": (  # a list of columns, joined at the end
        "past, new = None, tokens → columns, past = list(tokens.unbind(1)), ()",
            "for _ in range(max_new_tokens): → while max_new_tokens > 0:",
        "logits, past = model.extend(new, past) → logits, *past = model.extend(torch.stack(columns, 1), *past) if not past "
        "else model.extend(columns[-1][:, None], *past)", "logits = model(tokens) → logits = model(torch.stack(columns, dim=1))",
        "new = sampler(logits[:, -1]).unsqueeze(1) → columns.append(sampler(logits[:, -1]))",
        "tokens = torch.cat([tokens, new], dim=1) → max_new_tokens -= 1", "return tokens → return torch.stack(columns, dim=1)",
    )},
    "recursive": {"solution": (
        "    with evaluating(model):\n        for _ in range(max_new_tokens): → "
            "    def write(tokens, new, past, left):\n        if left:",
        "            new = sampler → \n            new = sampler",
        "tokens = torch.cat([tokens, new], dim=1)\n    return tokens → "
        "return write(torch.cat([tokens, new], dim=1), new, past, left - 1)\n        return tokens\n"
        "    with evaluating(model):\n        return write(tokens, new, past, max_new_tokens)",
    )},
})  # fmt: skip


@variant("generate", "two-loops")
def write_in_two_loops(model, tokens, max_new_tokens, sampler, use_cache=True):
    """A loop for each way, modes kept by hand; the cache reads the prompt token by token."""
    kept, result = [part.training for part in model.modules()], tokens.clone()
    try:
        model.train(False)
        with torch.inference_mode():
            if use_cache and callable(getattr(model, "extend", None)) and max_new_tokens:
                past = None
                for column in tokens.split(1, dim=1):
                    logits, past = model.extend(column, past)
                for step in range(max_new_tokens):
                    column = sampler(logits[:, -1, :])[:, None]
                    result = torch.cat((result, column), dim=1)
                    if step + 1 < max_new_tokens:
                        logits, past = model.extend(column, past)
            else:
                while result.shape[1] < tokens.shape[1] + max_new_tokens:
                    result = torch.hstack([result, sampler(model(result)[:, -1, :])[:, None]])
    finally:
        for part, flag in zip(model.modules(), kept, strict=True):
            part.training = flag
    return result.clone()


class _Evaluating:
    def __init__(self, model):
        self.model, self.flags = model, {}

    def __enter__(self):
        self.flags = {name: part.training for name, part in self.model.named_modules()}
        self.model.eval()

    def __exit__(self, *problem):
        for name, part in self.model.named_modules():
            part.training = self.flags[name]


@variant("generate", "steps")
@torch.no_grad()
def write_by_steps(model, tokens, max_new_tokens, sampler, use_cache=True):
    """A function that gives the next logits, made once for either way."""
    past = None

    def cached(text, unread):
        nonlocal past
        logits, past = model.extend(text[:, -unread:], past)
        return logits

    step = cached if use_cache and "extend" in dir(model) else lambda text, unread: model(text)
    with _Evaluating(model):
        unread, text = tokens.shape[1], tokens
        for _ in range(max_new_tokens):
            following = sampler(step(text, unread).select(1, -1))
            text, unread = torch.column_stack([text, following]), 1
    return text


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
