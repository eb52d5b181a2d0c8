"""What is checked of Gpt."""

import torch

from autograder.words import Candidate, Case, Component, Drawn, agree, checkpoints


def draw(case: Case, seq: int = 0) -> Drawn:
    """Tokens of a small model, and random weights under the names of a real one, which keeps those of layers as (d_in, d_out)."""
    d_model, seq = case.num_heads * case.d_head, seq or case.seq
    shapes: checkpoints.Shapes = {"wte.weight": (case.vocab, d_model), "wpe.weight": (case.max_len, d_model)}
    for block in (f"h.{number}" for number in range(case.layers)):
        times = {"attn.c_attn": (1, 3), "attn.c_proj": (1, 1), "mlp.c_fc": (1, 4), "mlp.c_proj": (4, 1)}
        layers = {f"{block}.{name}": (d_in * d_model, d_out * d_model) for name, (d_in, d_out) in times.items()}
        shapes |= checkpoints.affine(layers, [f"{block}.ln_1", f"{block}.ln_2"], d_model, d_out=1)
    state = checkpoints.weights(case, shapes | checkpoints.affine({}, ["ln_f"], d_model))
    sizes = (case.vocab, d_model, case.num_heads, case.layers, case.max_len)
    return Drawn({"tokens": case.integers(0, case.vocab, case.batch, seq)}, {}, sizes, state=state, loader=checkpoints.LOADER)


SMALL = {"layers": 2, "batch": 2, "seq": 4, "vocab": 7, "num_heads": 2, "d_head": 3, "max_len": 6}


COMPONENT = Component(
    draw,
    cases=Case.table(831, "batch seq vocab num_heads d_head layers max_len", (3, 5, 13, 2, 5, 2, 7), (2, 7, 11, 3, 4, 1, 11)),
    parts=("the logits",),
    forbids="blocks",
    probes={"plain": checkpoints.given(draw, 100.0, **SMALL)},
)


takes_real_weights = checkpoints.takes_real_weights(
    COMPONENT, "GPT-2",
    "The given names are filled by `load_pretrained`. Compare the list of parts in the text with those that you make.",
    lambda state: {"h.0.attn.bias": torch.ones(1, 1, 3, 3), "lm_head.weight": state["wte.weight"]}, "transformer.",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def listens_to_earlier_tokens(candidate: Candidate, case: Case) -> None:
    """Every logit hangs on the first token of its row, and on no other row

    Follow one token from its embedding through all blocks to the logits.
    """
    checkpoints.hangs_on(candidate, draw(case), case.vocab, ("tokens", 0, 0))


@COMPONENT.law(points=0.5, needs=listens_to_earlier_tokens)
def agrees(candidate: Candidate, case: Case) -> None:
    """The logits agree with a model of PyTorch's own layers

    Embeddings, blocks, norm, logits: where do the norms stand, which activation have the blocks, what makes logits of a vector?
    """
    agree(candidate, draw(case, case.max_len), "for max_len tokens")
    small = checkpoints.sized(draw(case), 0.01, "wte", "wpe", "c_proj")
    agree(candidate, small, "where embeddings and what the blocks add are small")
    checkpoints.agrees_at_the_bend(candidate, draw(case), "mlp.c_fc", "mlp.c_proj")


checkpoints.add_no_future(
    COMPONENT, listens_to_earlier_tokens, 0.25, "tokens", "vocab",
    "Each place is asked for the token behind it: what keeps it from reading that token?",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=listens_to_earlier_tokens, once=True)
def output_is_tied(candidate: Candidate, case: Case) -> None:
    """It has as many numbers as GPT-2: the output uses the numbers of the token embedding

    A vector becomes logits by comparing it with each token's embedding. Is there a second table?
    """
    checkpoints.size(candidate, draw(case.at(layers=1)), untied=case.vocab * case.num_heads * case.d_head)


checkpoints.refuses_long_texts(COMPONENT, listens_to_earlier_tokens)
checkpoints.add_common(COMPONENT, listens_to_earlier_tokens, ("batch", "seq", "num_heads"), counts=False)
