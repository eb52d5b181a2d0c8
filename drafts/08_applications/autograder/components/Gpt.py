"""What is checked of Gpt."""

from typing import Any

import torch

from autograder.framework import expect
from autograder.framework.candidate import Candidate
from autograder.framework.case import Case
from autograder.framework.component import Component, Drawn, Probe
from autograder.shared_laws import checkpoints, dropout
from autograder.shared_laws.agreement import agree, any_size_and_device, keeps_precision, proving, refused, settled


def draw(case: Case, seq: int | None = None, small: float = 1.0) -> Drawn:
    """Tokens of a small model, and random weights under the names of a real one; what is summed up in it times `small`."""
    d_model, seq = case.num_heads * case.d_head, case.seq if seq is None else seq
    state = checkpoints.weights(case, _shapes(case, d_model))
    state |= {name: x * small for name, x in state.items() if name.startswith("w") or "c_proj" in name}
    sizes = (case.vocab, d_model, case.num_heads, case.layers, case.max_len)
    return Drawn({"tokens": case.integers(0, case.vocab, case.batch, seq)}, {}, sizes, state=state, loader=checkpoints.LOADER)


def _shapes(case: Case, d_model: int) -> dict[str, tuple[int, ...]]:
    """GPT-2 keeps the weights of its layers as (d_in, d_out), and queries, keys and values in one."""
    shapes: dict[str, tuple[int, ...]] = {"wte.weight": (case.vocab, d_model), "wpe.weight": (case.max_len, d_model)}
    layers = {"attn.c_attn": (1, 3), "attn.c_proj": (1, 1), "mlp.c_fc": (1, 4), "mlp.c_proj": (4, 1)}
    norms = ["ln_f"]
    for number in range(case.layers):
        norms += [f"h.{number}.{name}" for name in ("ln_1", "ln_2")]
        for name, (d_in, d_out) in layers.items():
            shapes[f"h.{number}.{name}.weight"] = (d_in * d_model, d_out * d_model)
            shapes[f"h.{number}.{name}.bias"] = (d_out * d_model,)
    return shapes | {f"{name}.{part}": (d_model,) for name in norms for part in ("weight", "bias")}


def shallow(case: Case) -> Drawn:
    """A model of one block, for laws to which a second one adds time alone."""
    return draw(case.at(layers=1))


SMALL: dict[str, Any] = {"layers": 2, "batch": 2, "seq": 4, "vocab": 7, "num_heads": 2, "d_head": 3, "max_len": 6}


def missed(candidate: Candidate, case: Case) -> Any:
    """By how much it misses, a hundred times as large: one GELU is near the other."""
    drawn = draw(case.at(**SMALL))
    got, right = candidate.raw(drawn), candidate.right(drawn)
    fits = isinstance(got, torch.Tensor) and got.shape == right.shape and got.is_floating_point()
    return 100 * (got - right) if fits else expect.kind_of(got)


def numbers(candidate: Candidate, case: Case) -> Any:
    """How many numbers of the model learn."""
    return candidate.there(checkpoints.learning, vars(draw(case.at(**SMALL))))["numbers"]


COMPONENT = Component(
    __name__,
    draw,
    cases=[
        Case(seed=831, batch=3, seq=5, vocab=13, num_heads=2, d_head=5, layers=2, max_len=7),
        Case(seed=832, batch=2, seq=7, vocab=11, num_heads=3, d_head=4, layers=1, max_len=11),
    ],
    parts=("the logits",),
    forbids="blocks",
    probes={"plain": Probe(look=missed), "numbers": Probe(look=numbers)},
)


@COMPONENT.law(points=0.25, once=True)
def takes_real_weights(candidate: Candidate, case: Case) -> None:
    """The weights of a real GPT-2 go in, and nothing is left over

    The given names are filled by `load_pretrained`. Compare the list of parts in the text with those that you make.
    """
    drawn = draw(case)
    spare = {"h.0.attn.bias": torch.ones(1, 1, 3, 3), "lm_head.weight": (drawn.state or {})["wte.weight"]}
    checkpoints.goes_in(candidate, drawn, spare, "transformer.")


@COMPONENT.law(points=0.25, needs=takes_real_weights, once=True)
def listens_to_earlier_tokens(candidate: Candidate, case: Case) -> None:
    """Every logit hangs on the first token of its row, and on no other row

    Follow one token from its embedding through all blocks to the logits.
    """
    drawn = draw(case)
    logits = candidate.use(drawn)
    other = drawn.inputs["tokens"].clone()
    other[0, 0] = (other[0, 0] + 1) % case.vocab
    change = (candidate.use(drawn.with_inputs(tokens=other)) - logits).abs().amax(-1)
    expect.true(bool((change[0] > 1e-5).all()), "the first token of a row was changed, and some of its logits are as they were.")
    expect.true(bool((change[1:] < 1e-5).all()), "a token of the first row was changed, and another row is not as it was.")


@COMPONENT.law(points=0.5, needs=listens_to_earlier_tokens)
def agrees(candidate: Candidate, case: Case) -> None:
    """The logits agree with a model of PyTorch's own layers

    Embeddings, blocks, norm, logits: where do the norms stand, which activation have the blocks, what makes logits of a vector?
    """
    agree(candidate, draw(case))
    agree(candidate, draw(case, case.max_len), "for max_len tokens")
    agree(candidate, draw(case, small=0.01), "where embeddings and what the blocks add are small")


@COMPONENT.law(points=0.25, needs=listens_to_earlier_tokens, once=True)
def no_future(candidate: Candidate, case: Case) -> None:
    """No place sees a later one

    Each place is asked for the token behind it: what keeps it from reading that token?
    """
    drawn = draw(case)
    logits, tokens = candidate.use(drawn), drawn.inputs["tokens"]
    for place in sorted({1, case.seq - 1} - {0}):
        later = tokens.clone()
        later[:, place:] = (later[:, place:] + 1) % case.vocab
        with proving("sees-future"):
            changed = candidate.use(drawn.with_inputs(tokens=later))[:, :place]
            expect.close(changed, logits[:, :place], f"the logits before place {place} after later tokens were changed")


@COMPONENT.law(points=0.25, needs=listens_to_earlier_tokens, once=True)
def output_is_tied(candidate: Candidate, case: Case) -> None:
    """It has as many numbers as GPT-2: the output uses the numbers of the token embedding

    A vector becomes logits by comparing it with each token's embedding. Is there a second table?
    """
    drawn = shallow(case)
    checkpoints.size(candidate, drawn, untied=case.vocab * case.num_heads * case.d_head)


@COMPONENT.law(points=0.25, needs=listens_to_earlier_tokens, edge=True)
def refuses_long_texts(candidate: Candidate, case: Case) -> None:
    """More than max_len tokens raise a ValueError that names max_len and a number

    Positions behind the last row of the table do not exist. Who says so?
    """
    drawn = draw(case, case.max_len + 1)
    refused(candidate.refusal(drawn), {"max_len": case.max_len, "seq": case.max_len + 1})


@COMPONENT.law(points=0.25, needs=listens_to_earlier_tokens, once=True)
def every_number_learns(candidate: Candidate, case: Case) -> None:
    """Gradients reach every parameter and are right

    Stay with tensor operations on the whole path from the embeddings to the logits.
    """
    drawn = draw(case)
    checkpoints.every_number_learns(candidate, drawn, settled(candidate, drawn))


@COMPONENT.law(points=0.25, needs=listens_to_earlier_tokens, edge=True, once=True)
def dropout_in_training_alone(candidate: Candidate, case: Case) -> None:
    """Dropout acts in training and nowhere else

    Which of your layers knows whether the model is in training?
    """
    dropout.in_training(candidate, shallow(case))


COMPONENT.add(keeps_precision(COMPONENT, 0.25, listens_to_earlier_tokens, shallow))
COMPONENT.add(  # the last one: what was built is lost on the other device
    any_size_and_device(COMPONENT, 0.25, listens_to_earlier_tokens, ("batch", "seq", "num_heads"), shallow)
)
