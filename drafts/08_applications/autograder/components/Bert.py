"""What is checked of Bert."""

from dataclasses import replace
from typing import Any

import torch

from autograder.framework import expect
from autograder.framework.candidate import Candidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.shared_laws import checkpoints, dropout
from autograder.shared_laws.agreement import agree, any_size_and_device, keeps_precision, refused, settled


def draw(
    case: Case, segments: bool = False, mask: torch.Tensor | None = None, seq: int | None = None, kinds: int = 2, **settings: Any
) -> Drawn:
    """Tokens of a small model, and random weights under the names of a real one."""
    d_model, seq = case.num_heads * case.d_head, case.seq if seq is None else seq
    sizes = (case.vocab, d_model, case.num_heads, case.d_ff, case.layers, case.max_len)
    options = {"segments": case.integers(0, kinds, case.batch, seq)} if segments else {}
    options |= {} if mask is None else {"mask": mask}
    settings |= {"num_segments": kinds} if kinds != 2 else {}
    state = checkpoints.weights(case, _shapes(d_model, case, kinds))
    return Drawn(
        {"tokens": case.integers(0, case.vocab, case.batch, seq)}, options, sizes, settings, state, loader=checkpoints.LOADER
    )


def _shapes(d_model: int, case: Case, kinds: int) -> dict[str, tuple[int, ...]]:
    rows = {"word": case.vocab, "token_type": kinds, "position": case.max_len}
    shapes: dict[str, tuple[int, ...]] = {f"embeddings.{name}_embeddings.weight": (n, d_model) for name, n in rows.items()}
    layers = {"attention.self.query": (d_model, d_model), "attention.self.key": (d_model, d_model)}
    layers |= {"attention.self.value": (d_model, d_model), "attention.output.dense": (d_model, d_model)}
    layers |= {"intermediate.dense": (case.d_ff, d_model), "output.dense": (d_model, case.d_ff)}
    norms = ["embeddings.LayerNorm"]
    for number in range(case.layers):
        norms += [f"encoder.layer.{number}.{name}.LayerNorm" for name in ("attention.output", "output")]
        for name, shape in layers.items():
            shapes |= {f"encoder.layer.{number}.{name}.weight": shape, f"encoder.layer.{number}.{name}.bias": shape[:1]}
    return shapes | {f"{name}.{part}": (d_model,) for name in norms for part in ("weight", "bias")}


def shallow(case: Case) -> Drawn:
    """A model of one block, for laws to which a second one adds time alone; its eps is one that shows."""
    return draw(case.at(layers=1), eps=0.1)


def padding(case: Case) -> torch.Tensor:
    """A mask (batch, 1, seq): every row sees its first tokens, the last row all but one."""
    lengths = case.integers(1, case.seq, case.batch)
    lengths[-1] = max(case.seq - 1, 1)
    return torch.arange(case.seq) < lengths[:, None, None]


def given(**wishes: Any) -> Probe:
    def look(candidate: Candidate, case: Case) -> Any:
        """By how much it misses, a hundred times as large: one GELU is near the other."""
        case = case.at(layers=2, batch=2, seq=4, vocab=7, num_heads=2, d_head=3, d_ff=5, max_len=6)
        drawn = draw(case, wishes.get("segments", False), padding(case) if wishes.get("masked") else None)
        got, right = candidate.raw(drawn), candidate.right(drawn)
        fits = isinstance(got, torch.Tensor) and got.shape == right.shape and got.is_floating_point()
        return 100 * (got - right) if fits else expect.kind_of(got)

    return Probe(look=look)


COMPONENT = Component(
    __name__,
    draw,
    cases=[
        Case(seed=821, batch=3, seq=5, vocab=11, num_heads=2, d_head=5, d_ff=13, layers=2, max_len=7),
        Case(seed=822, batch=2, seq=7, vocab=13, num_heads=3, d_head=4, d_ff=7, layers=1, max_len=11),
    ],
    parts=("the output",),
    forbids="blocks",
    probes={"plain": given(), "segments": given(segments=True), "masked": given(masked=True)},
)


@COMPONENT.law(points=0.25, once=True)
def takes_real_weights(candidate: Candidate, case: Case) -> None:
    """It has the numbers of a real BERT: its weights go in, and nothing is left over

    The given names are filled by `load_pretrained`. Compare the list of parts in the text with those that you make.
    """
    drawn = draw(case)
    spare = {
        "pooler.dense.weight": torch.ones(2, 2),
        "cls.predictions.bias": torch.ones(2),
        "embeddings.position_ids": torch.arange(3),
    }
    checkpoints.goes_in(candidate, drawn, spare, "bert.")
    checkpoints.size(candidate, drawn)


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def listens_to_every_token(candidate: Candidate, case: Case) -> None:
    """The output hangs on the tokens of its row, and on no other row

    Follow one token from its embedding through all blocks.
    """
    drawn = draw(case)
    output, tokens = candidate.use(drawn), drawn.inputs["tokens"]
    for place in (0, case.seq - 1):
        other = tokens.clone()
        other[0, place] = (other[0, place] + 1) % case.vocab
        change = (candidate.use(drawn.with_inputs(tokens=other)) - output).abs().amax(-1)
        moved = bool((change[0, place:] > 1e-5).all())
        expect.true(moved, f"the token at place {place} was changed, and the output there or behind it is as it was.")
        expect.true(bool((change[1:] < 1e-5).all()), "a token of the first row was changed, and another row is not as it was.")


@COMPONENT.law(points=0.5, needs=listens_to_every_token)
def agrees(candidate: Candidate, case: Case) -> None:
    """It agrees with a model of PyTorch's own layers, with any eps

    Sum of the embeddings, norm, blocks. Which activation do the blocks have, where do their norms stand, and which eps has each?
    """
    agree(candidate, draw(case))
    agree(candidate, draw(case, seq=case.max_len), "for max_len tokens")
    agree(candidate, draw(case, eps=0.1), "with eps=0.1")
    drawn = draw(case)
    small = {name: x * 1e-3 if name.endswith("embeddings.weight") else x for name, x in (drawn.state or {}).items()}
    agree(candidate, replace(drawn, state=small), "where embeddings are small, with the eps of the signature,")


@COMPONENT.law(points=0.25, needs=listens_to_every_token, once=True)
def segments_count(candidate: Candidate, case: Case) -> None:
    """Each token's segment has a say; where none are given all tokens are of segment 0

    There are three embeddings to sum. What does the one for segments look up when `segments` is None?
    """
    case = case.at(layers=1)
    drawn = draw(case, segments=True, kinds=3)
    output, segments = candidate.use(drawn), drawn.options["segments"]
    changed = candidate.use(drawn.with_options(segments=(segments + 1) % 3))
    moved = bool(((changed - output).abs().amax(-1) > 1e-5).all())
    expect.true(moved, "every segment was changed, and some of the output is as it was.", "no-segments")
    none, zeros = (candidate.use(replace(drawn, options=o)) for o in ({}, {"segments": torch.zeros_like(segments)}))
    expect.close(none, zeros, "the output without segments, beside the one with zeros for them,")
    if settled(candidate, draw(case)):
        agree(candidate, drawn, "with segments")


@COMPONENT.law(points=0.25, needs=listens_to_every_token, once=True)
def mask_reaches_every_block(candidate: Candidate, case: Case) -> None:
    """What a mask forbids has no influence, with masks of two and of three axes

    The model itself looks at nobody: which of its parts needs the mask?
    """
    mask = padding(case)
    drawn = draw(case, mask=mask)
    output, tokens = candidate.use(drawn), drawn.inputs["tokens"]
    same = torch.allclose(output, candidate.use(replace(drawn, options={})), *expect.FLOAT32)
    hidden = ~mask[:, 0]
    other = torch.where(hidden, (tokens + 1) % case.vocab, tokens)
    changed = candidate.use(drawn.with_inputs(tokens=other))
    seen = torch.where(hidden[..., None], output, changed)
    try:
        expect.close(seen, output, "the output of real tokens after masked ones were changed")
    except expect.Failed as failure:
        raise expect.Failed(str(failure), "mask-ignored" if same else None) from None
    if settled(candidate, draw(case)):
        for shape in ((case.seq, case.seq), (case.batch, case.seq, case.seq)):
            agree(candidate, draw(case, mask=case.mask(*shape)), f"with a mask of shape {shape}")
        agree(candidate, draw(case, mask=torch.zeros(1, case.seq, dtype=torch.bool)), "where nobody sees anything")


@COMPONENT.law(points=0.25, needs=listens_to_every_token, edge=True)
def refuses_long_texts(candidate: Candidate, case: Case) -> None:
    """More than max_len tokens raise a ValueError that names max_len and a number

    Positions behind the last row of the table do not exist. Who says so?
    """
    drawn = draw(case, seq=case.max_len + 1)
    refused(candidate.refusal(drawn), {"max_len": case.max_len, "seq": case.max_len + 1})


@COMPONENT.law(points=0.25, needs=listens_to_every_token, once=True)
def every_number_learns(candidate: Candidate, case: Case) -> None:
    """Gradients reach every parameter and are right

    Stay with tensor operations on the whole path from the embeddings to the output.
    """
    drawn = draw(case, segments=True)
    checkpoints.every_number_learns(candidate, drawn, settled(candidate, drawn))


@COMPONENT.law(points=0.25, needs=listens_to_every_token, edge=True, once=True)
def dropout_in_training_alone(candidate: Candidate, case: Case) -> None:
    """Dropout acts in training and nowhere else

    Which of your layers knows whether the model is in training?
    """
    dropout.in_training(candidate, shallow(case))


COMPONENT.add(keeps_precision(COMPONENT, 0.25, listens_to_every_token, shallow))
COMPONENT.add(  # the last one: what was built is lost on the other device
    any_size_and_device(COMPONENT, 0.25, listens_to_every_token, ("batch", "seq", "num_heads"), shallow)
)
