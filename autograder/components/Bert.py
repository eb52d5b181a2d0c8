"""What is checked of Bert."""

from dataclasses import replace
from typing import Any

import torch

from autograder.words import Candidate, Case, Component, Drawn, agree, checkpoints, expect


def draw(case: Case, seq: int = 0, segments: bool = False, kinds: int = 2, **settings: Any) -> Drawn:
    """Tokens of a small model, and random weights under the names of a real one."""
    d_model, seq = case.num_heads * case.d_head, seq or case.seq
    rows = {"word": case.vocab, "token_type": kinds, "position": case.max_len}
    shapes: checkpoints.Shapes = {f"embeddings.{name}_embeddings.weight": (n, d_model) for name, n in rows.items()}
    shapes |= checkpoints.affine({}, ["embeddings.LayerNorm"], d_model)
    norms = "attention.output.LayerNorm", "output.LayerNorm"
    for number in range(case.layers):
        shapes |= checkpoints.encoder_layer(f"encoder.layer.{number}", d_model, case.d_ff, "self", norms)
    inputs, state = {"tokens": case.integers(0, case.vocab, case.batch, seq)}, checkpoints.weights(case, shapes)
    options = {"segments": case.integers(0, kinds, case.batch, seq)} if segments else {}
    settings |= {"num_segments": kinds} if kinds != 2 else {}
    sizes = (case.vocab, d_model, case.num_heads, case.d_ff, case.layers, case.max_len)
    return Drawn(inputs, options, sizes, settings, state, loader=checkpoints.LOADER)


def shallow(case: Case) -> Drawn:
    return draw(case.at(layers=1), eps=0.1)  # an eps that shows


def padding(case: Case) -> torch.Tensor:
    """A mask (batch, 1, seq): every row sees its first tokens, the last row all but one."""
    lengths = case.integers(1, case.seq, case.batch)
    lengths[-1] = max(case.seq - 1, 1)
    return torch.arange(case.seq) < lengths[:, None, None]


SMALL = {"layers": 2, "batch": 2, "seq": 4, "vocab": 7, "num_heads": 2, "d_head": 3, "d_ff": 5, "max_len": 6}
COMPONENT = Component(
    draw,
    cases=Case.table(
        821, "batch seq vocab num_heads d_head d_ff layers max_len", (3, 5, 11, 2, 5, 13, 2, 7), (2, 7, 13, 3, 4, 7, 1, 11)
    ),
    parts=("the output",),
    forbids="blocks",
    probes={
        "plain": checkpoints.given(draw, 100.0, **SMALL),
        "segments": checkpoints.given(lambda case: draw(case, segments=True), 100.0, **SMALL),
        "masked": checkpoints.given(lambda case: draw(case).with_options(mask=padding(case)), 100.0, **SMALL),
    },
)


SPARE = ("pooler.dense.weight", "cls.predictions.bias", "embeddings.position_ids")
takes_real_weights = checkpoints.takes_real_weights(
    COMPONENT, "BERT",
    "The given names are filled by `load_pretrained`. Compare the list of parts in the text with those that you make.",
    lambda state: dict.fromkeys(SPARE, torch.ones(2)), "bert.",
)  # fmt: skip


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def listens_to_every_token(candidate: Candidate, case: Case) -> None:
    """The output hangs on the tokens of its row, and on no other row

    Follow one token from its embedding through all blocks.
    """
    checkpoints.hangs_on(candidate, draw(case), case.vocab, ("tokens", 0, 0), ("tokens", -1, -1))


@COMPONENT.law(points=0.5, needs=listens_to_every_token)
def agrees(candidate: Candidate, case: Case) -> None:
    """It agrees with a model of PyTorch's own layers, with any eps

    Sum of the embeddings, norm, blocks. Which activation do the blocks have, where do their norms stand, and which eps has each?
    """
    agree(candidate, draw(case, seq=case.max_len, eps=0.1), "for max_len tokens, with eps=0.1")
    small = checkpoints.sized(draw(case), 1e-3, "embeddings.weight").to(torch.float64)
    agree(candidate, small, "where embeddings are small, with the eps of the signature,")
    checkpoints.agrees_at_the_bend(candidate, draw(case), "intermediate.dense", "output.dense")


@COMPONENT.law(points=0.25, needs=listens_to_every_token, once=True)
def segments_count(candidate: Candidate, case: Case) -> None:
    """Each token's segment has a say; where none are given all tokens are of segment 0

    There are three embeddings to sum. What does the one for segments look up when `segments` is None?
    """
    case = case.at(layers=1)
    drawn = draw(case, segments=True, kinds=3)
    output, segments = candidate.use(drawn), drawn.options["segments"]
    others = [drawn.with_options(segments=given) for given in ((segments + 1) % 3, segments * 0)]
    others.append(replace(drawn, options={}))
    changed, zeros, none = (checkpoints.again(candidate, other, output) for other in others)
    moved = bool(((changed - output).abs().amax(-1) > checkpoints.SEEN).all())
    expect.true(moved, "every segment was changed, and some of the output is as it was.", "no-segments")
    expect.close(none, zeros, "the output without segments, beside the one with zeros for them,")
    if checkpoints.settled(candidate, case, draw):
        expect.close(output, candidate.right(drawn), "the output with segments")


@COMPONENT.law(points=0.25, needs=listens_to_every_token, once=True)
def mask_reaches_every_block(candidate: Candidate, case: Case) -> None:
    """What a mask forbids has no influence, with masks of two and of three axes

    The model itself looks at nobody: which of its parts needs the mask?
    """
    mask, plain = padding(case), draw(case)
    drawn, hidden, tokens = plain.with_options(mask=mask), ~mask[:, 0], plain.inputs["tokens"]
    output = candidate.use(drawn)
    other = torch.where(hidden, (tokens + 1) % case.vocab, tokens)
    changed = checkpoints.again(candidate, drawn.with_inputs(tokens=other), output)
    try:
        seen = torch.where(hidden[..., None], output, changed)
        expect.close(seen, output, "the output of real tokens after masked ones were changed")
    except expect.Failed as failure:
        same = torch.allclose(output, candidate.use(plain), *expect.FLOAT32)
        raise expect.Failed(str(failure), "mask-ignored" if same else None) from None
    if checkpoints.settled(candidate, case, draw):
        expect.close(output, candidate.right(drawn), "the output with a mask of padding")
        for mask in (case.mask(case.seq, case.seq), case.mask(case.batch, case.seq, case.seq), torch.zeros(1, case.seq).bool()):
            agree(candidate, draw(case.at(layers=1)).with_options(mask=mask), f"with a mask of shape {tuple(mask.shape)}")


checkpoints.refuses_long_texts(COMPONENT, listens_to_every_token)
checkpoints.add_common(COMPONENT, listens_to_every_token, ("batch", "seq", "num_heads"), precise=shallow)
