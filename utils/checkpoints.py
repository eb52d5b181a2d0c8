"""The weights of real models under the names of the course.

`load(model, "bert", state_dict)` fills a model of chapter 08 from the weights of `transformers`' model of that kind, as
real checkpoints name them. The tables below say where each number goes; the learner writes the model.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import torch
from torch import nn

Change = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Rule:
    """Which of the checkpoint's names fills a parameter of the model, and how its numbers have to be turned."""

    ours: str  # a regular expression for the model's name; its groups are `\\1`, `\\2` … in `theirs`
    theirs: str
    change: Change | None = None


@dataclass(frozen=True)
class Family:
    """One kind of checkpoint: its rules, a prefix that may stand before every name, and names that are not needed."""

    rules: tuple[Rule, ...]
    prefix: str = ""
    spare: tuple[str, ...] = ()
    other: tuple[tuple[str, str], ...] = ()  # (another name, the rules' own), as parts of a name


def _both(ours: str, theirs: str) -> tuple[Rule, ...]:
    return tuple(Rule(rf"{ours}\.{kind}", f"{theirs}.{kind}") for kind in ("weight", "bias"))


def _third(number: int, transposed: bool) -> Change:
    """Queries, keys and values lie side by side in GPT-2's one layer, which keeps its weight the other way round."""
    return lambda x: x.chunk(3, dim=-1)[number].mT if transposed else x.chunk(3, dim=-1)[number]


def _turned(x: torch.Tensor) -> torch.Tensor:
    return x.mT


BLOCK = r"blocks\.(\d+)"
_BERT = (
    Rule(r"token_embedding\.weight", "embeddings.word_embeddings.weight"),
    Rule(r"segment_embedding\.weight", "embeddings.token_type_embeddings.weight"),
    Rule(r"positions\.table", "embeddings.position_embeddings.weight"),
    *_both("norm", "embeddings.LayerNorm"),
    *_both(rf"{BLOCK}\.self_attention\.w_q", r"encoder.layer.\1.attention.self.query"),
    *_both(rf"{BLOCK}\.self_attention\.w_k", r"encoder.layer.\1.attention.self.key"),
    *_both(rf"{BLOCK}\.self_attention\.w_v", r"encoder.layer.\1.attention.self.value"),
    *_both(rf"{BLOCK}\.self_attention\.w_o", r"encoder.layer.\1.attention.output.dense"),
    *_both(rf"{BLOCK}\.norm1", r"encoder.layer.\1.attention.output.LayerNorm"),
    *_both(rf"{BLOCK}\.feed_forward\.linear1", r"encoder.layer.\1.intermediate.dense"),
    *_both(rf"{BLOCK}\.feed_forward\.linear2", r"encoder.layer.\1.output.dense"),
    *_both(rf"{BLOCK}\.norm2", r"encoder.layer.\1.output.LayerNorm"),
)
_GPT = (
    Rule(r"token_embedding\.weight", "wte.weight"),
    Rule(r"positions\.table", "wpe.weight"),
    *(
        Rule(rf"{BLOCK}\.self_attention\.{name}\.{kind}", rf"h.\1.attn.c_attn.{kind}", _third(number, kind == "weight"))
        for number, name in enumerate(("w_q", "w_k", "w_v"))
        for kind in ("weight", "bias")
    ),
    *(
        Rule(rf"{BLOCK}\.{ours}\.{kind}", rf"h.\1.{theirs}.{kind}", _turned if kind == "weight" else None)
        for ours, theirs in (
            (r"self_attention\.w_o", "attn.c_proj"),
            (r"feed_forward\.linear1", "mlp.c_fc"),
            (r"feed_forward\.linear2", "mlp.c_proj"),
        )
        for kind in ("weight", "bias")
    ),
    *_both(rf"{BLOCK}\.norm1", r"h.\1.ln_1"),
    *_both(rf"{BLOCK}\.norm2", r"h.\1.ln_2"),
    *_both("norm", "ln_f"),
)
_STACK = r"(encoder|decoder)"
_T5_LAYERS = {  # the sublayers of a block, in the order in which T5 numbers them
    "encoder": ("self_attention", "feed_forward"),
    "decoder": ("self_attention", "cross_attention", "feed_forward"),
}
_T5 = (
    Rule(r"token_embedding\.weight", "shared.weight"),
    Rule(rf"{_STACK}_bias\.weight", r"\1.block.0.layer.0.SelfAttention.relative_attention_bias.weight"),
    Rule(rf"{_STACK}_norm\.weight", r"\1.final_layer_norm.weight"),
    *(
        Rule(rf"{stack}\.(\d+)\.{layer}\.w_{part}\.weight", rf"{stack}.block.\1.layer.{number}.{theirs}.{part}.weight")
        for stack, layers in _T5_LAYERS.items()
        for number, layer in enumerate(layers[:-1])
        for theirs in ["SelfAttention" if layer == "self_attention" else "EncDecAttention"]
        for part in "qkvo"
    ),
    *(
        Rule(
            rf"{stack}\.(\d+)\.feed_forward\.linear{number}\.weight",
            rf"{stack}.block.\1.layer.{len(layers) - 1}.DenseReluDense.{theirs}.weight",
        )
        for stack, layers in _T5_LAYERS.items()
        for number, theirs in ((1, "wi"), (2, "wo"))
    ),
    *(
        Rule(rf"{stack}\.(\d+)\.norm{number + 1}\.weight", rf"{stack}.block.\1.layer.{number}.layer_norm.weight")
        for stack, layers in _T5_LAYERS.items()
        for number in range(len(layers))
    ),
)
_VIT = (
    Rule(r"class_token", "vit.embeddings.cls_token", lambda x: x.flatten()),
    Rule(r"positions\.table", "vit.embeddings.position_embeddings", lambda x: x.squeeze(0)),
    Rule(r"patch_embedding\.weight", "vit.embeddings.patch_embeddings.projection.weight", lambda x: x.flatten(1)),
    Rule(r"patch_embedding\.bias", "vit.embeddings.patch_embeddings.projection.bias"),
    *_both(rf"{BLOCK}\.self_attention\.w_q", r"vit.encoder.layer.\1.attention.attention.query"),
    *_both(rf"{BLOCK}\.self_attention\.w_k", r"vit.encoder.layer.\1.attention.attention.key"),
    *_both(rf"{BLOCK}\.self_attention\.w_v", r"vit.encoder.layer.\1.attention.attention.value"),
    *_both(rf"{BLOCK}\.self_attention\.w_o", r"vit.encoder.layer.\1.attention.output.dense"),
    *_both(rf"{BLOCK}\.norm1", r"vit.encoder.layer.\1.layernorm_before"),
    *_both(rf"{BLOCK}\.feed_forward\.linear1", r"vit.encoder.layer.\1.intermediate.dense"),
    *_both(rf"{BLOCK}\.feed_forward\.linear2", r"vit.encoder.layer.\1.output.dense"),
    *_both(rf"{BLOCK}\.norm2", r"vit.encoder.layer.\1.layernorm_after"),
    *_both("norm", "vit.layernorm"),
    *_both("classifier", "classifier"),
)
FAMILIES = {
    "bert": Family(
        _BERT,
        prefix="bert.",
        spare=(r"pooler\..*", r"cls\..*", r"embeddings\.(position|token_type)_ids"),
        other=(("LayerNorm.gamma", "LayerNorm.weight"), ("LayerNorm.beta", "LayerNorm.bias")),
    ),
    "gpt": Family(_GPT, prefix="transformer.", spare=(r"h\.\d+\.attn\.(bias|masked_bias)", r"lm_head\.weight")),
    "t5": Family(
        _T5,
        spare=(
            r"(encoder|decoder)\.embed_tokens\.weight",
            r"lm_head\.weight",
            # the first checkpoints carry a table here that T5 never used
            r"decoder\.block\.0\.layer\.1\.EncDecAttention\.relative_attention_bias\.weight",
        ),
    ),
    "vit": Family(
        _VIT,
        spare=(r"(vit\.)?pooler\..*",),
        # how newer versions of `transformers` call them in memory; files have the names above
        other=(
            ("vit.layers.", "vit.encoder.layer."),
            *(
                (f".attention.{new}_proj.", f".attention.attention.{name}.")
                for new, name in (("q", "query"), ("k", "key"), ("v", "value"))
            ),
            (".attention.o_proj.", ".attention.output.dense."),
            (".mlp.fc1.", ".intermediate.dense."),
            (".mlp.fc2.", ".output.dense."),
        ),
    ),
}


class Pretrained(nn.Module):
    """A model that takes the weights of the checkpoints of its `family`."""

    family: ClassVar[str]

    def load_pretrained(self, state_dict: Mapping[str, torch.Tensor]) -> None:
        load(self, self.family, state_dict)


def load(model: nn.Module, family: str, state_dict: Mapping[str, torch.Tensor]) -> None:
    """Fills `model` with the weights of a checkpoint of `family`: `bert`, `gpt`, `t5`, `vit`.

    Strict in everything that the model has. `ValueError` names what is missing in the checkpoint, what neither the model nor
    the format knows, and shapes that differ.
    """
    kind = FAMILIES[family]
    theirs = {_own_name(name, kind): value for name, value in state_dict.items()}
    wanted = model.state_dict()
    found, used, missing, strange = {}, set(), [], []
    for ours, parameter in wanted.items():
        rule, name = _rule(ours, family)
        if rule is None and ours.startswith(("output.", "lm_head.")) and "token_embedding.weight" in wanted:
            rule, name = _rule("token_embedding.weight", family)  # a tied output that has a name of its own
        if rule is None:
            strange.append(f"the model's `{ours}`")
            continue
        if name not in theirs:
            missing.append(f"`{name}`")
            continue
        used.add(name)
        value = theirs[name] if rule.change is None else rule.change(theirs[name])
        if value.shape != parameter.shape:
            strange.append(f"`{name}` of shape {tuple(theirs[name].shape)} for {tuple(parameter.shape)}")
        found[ours] = value
    spare = re.compile("|".join(kind.spare))
    strange += [f"`{name}`" for name in theirs if name not in used and not spare.fullmatch(name)]
    if missing or strange:
        raise ValueError(f"the weights do not fit the model: {_told(missing, strange)}")
    model.load_state_dict(found)


def _own_name(name: str, kind: Family) -> str:
    name = name.removeprefix(kind.prefix) if kind.prefix else name
    for other, own in kind.other:
        name = name.replace(other, own)
    return name


@cache
def _rule(ours: str, family: str) -> tuple[Rule | None, str]:
    for rule in FAMILIES[family].rules:
        match = re.fullmatch(rule.ours, ours)
        if match:
            return rule, match.expand(rule.theirs)
    return None, ""


def _told(missing: list[str], strange: list[str]) -> str:
    parts = [f"{word} {_few(names)}" for word, names in (("missing", missing), ("unexpected", strange)) if names]
    return "; ".join(parts)


def _few(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
