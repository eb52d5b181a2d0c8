"""Laws on models that take the weights of a real one: the weights go in, nothing else does, and every number learns.

The names of such a model's parameters are its author's, so nothing here asks for one: weights go in by `load_pretrained`
under the names of `transformers`, and gradients are looked at all together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from math import prod
from typing import Any
from weakref import WeakKeyDictionary

import torch

from autograder.framework import catalogue, procedures, watch
from autograder.framework.authoring import Candidate, Case, Component, Drawn, Failed, Law, Probe, expect
from autograder.framework.candidate import CandidateError, OracleCandidate
from autograder.framework.expect import About
from autograder.shared_laws import agreement, dropout, modules

LOADER = "load_pretrained"
SEEN = 1e-5  # a change that is less than this is none
SAME = (1e-6, 1e-7)  # (rtol, atol) at which a model is the oracle's, in float64

Shapes = dict[str, tuple[int, ...]]


# The weights of a real model


def affine(layers: Mapping[str, tuple[int, ...]], norms: Iterable[str] = (), size: int = 0, d_out: int = 0) -> Shapes:
    """Shapes of weights and biases: of linear layers, whose axis `d_out` counts what comes out, and of norms of that size."""
    layers = {**layers, **{name: (size,) for name in norms}}
    shapes: Shapes = {f"{name}.weight": shape for name, shape in layers.items()}
    return shapes | {f"{name}.bias": shape[d_out : d_out + 1] or shape for name, shape in layers.items()}


def encoder_layer(name: str, d_model: int, d_ff: int, attention: str, norms: tuple[str, str]) -> Shapes:
    """Shapes of one block as BERT and ViT name its parts; they differ in two names."""
    square = [*(f"attention.{attention}.{part}" for part in ("query", "key", "value")), "attention.output.dense"]
    layers = {part: (d_model, d_model) for part in square} | {"intermediate.dense": (d_ff, d_model)}
    layers["output.dense"] = (d_model, d_ff)
    return {f"{name}.{part}": shape for part, shape in affine(layers, norms, d_model).items()}


def weights(case: Case, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Random weights under these names, of sizes that keep every part visible; those of norms lie around one."""
    state, tables = {}, ("embeddings", "wte", "wpe", "shared", "attention_bias")
    for name, shape in shapes.items():
        is_norm = any(word in name.lower() for word in ("norm", "ln_"))
        is_table = any(word in name for word in tables) and "projection" not in name
        scale = 0.3 if len(shape) == 1 else 0.7 if is_table else 1.5 * min(shape[0], prod(shape[1:])) ** -0.5
        state[name] = case.normal(*shape, scale=scale) + (1.0 if is_norm and name.endswith("weight") else 0.0)
    return state


def sized(drawn: Drawn, factor: float, *parts: str) -> Drawn:
    """The same use where weights of these names are so many times as large: what the norms get, tiny, shows their eps."""
    state = {name: x * factor if any(part in name for part in parts) else x for name, x in (drawn.state or {}).items()}
    return replace(drawn, state=state)


def bent(drawn: Drawn, first: str, last: str) -> Drawn:
    """The same use, in float64, where the feed-forward networks work at the bend of GELU: another curve is seen there.

    `first` and `last` are the names of a network's two layers. About -3 the two forms of GELU differ by a tenth of what is left.
    """
    state = {}
    for name, x in (drawn.state or {}).items():
        if name.endswith(f"{first}.weight"):
            x = x * 0.3
        elif name.endswith(f"{first}.bias"):
            x = x - 2.7
        elif name.endswith(f"{last}.weight") and "attention" not in name:
            x = x * 30.0
        state[name] = x
    return replace(drawn, state=state).to(torch.float64)


def agrees_at_the_bend(candidate: Candidate, drawn: Drawn, first: str, last: str) -> None:
    """The model agrees with the oracle where its activation would show another curve (`bent`)."""
    agreement.agree(candidate, bent(drawn, first, last), "where the feed-forward networks' numbers are about -3")


# What a law or a probe asks


def again(candidate: Candidate, drawn: Drawn, like: torch.Tensor) -> torch.Tensor:
    """The result of another use, of the form of one that is there: the oracle is not asked."""
    return expect.form(candidate.raw(drawn), like, candidate.component.parts[0])


def judged(candidate: Candidate, drawn: Drawn, plain: bool, where: str) -> torch.Tensor:
    """The result of one use; where the plain one is the oracle's (`plain`), this one is too."""
    result = candidate.use(drawn)
    if plain:
        expect.close(result, candidate.right(drawn), f"{candidate.component.parts[0]} {where}")
    return result


_settled: WeakKeyDictionary[Candidate, dict[str, bool]] = WeakKeyDictionary()


def settled(candidate: Candidate, case: Case, draw: Callable[[Case], Drawn]) -> bool:
    """Whether the plain result for these sizes is the oracle's. A model takes long: an answer is asked once for each."""
    known = _settled.setdefault(candidate, {})
    asked = f"{draw.__name__} {case.sizes}"
    if asked not in known:
        known[asked] = agreement.settled(candidate, draw(case))
    return known[asked]


def given(draw: Callable[[Case], Drawn], times: float = 1.0, **sizes: Any) -> Probe:
    """By how much the answer misses the oracle, so many times as large: one GELU is near the other."""

    def look(candidate: Candidate, case: Case) -> Any:
        drawn = draw(case.at(**sizes))
        got, right = candidate.raw(drawn), candidate.right(drawn)
        fits = isinstance(got, torch.Tensor) and got.shape == right.shape and got.is_floating_point()
        return times * (got - right) if fits else expect.kind_of(got)

    return Probe(look=look)


def goes_in(candidate: Candidate, drawn: Drawn, spare: Mapping[str, torch.Tensor], prefix: str = "") -> None:
    """A real checkpoint's names go in, with what it carries besides; a name too few and one too many are refused."""
    try:
        plain = candidate.use(drawn)
    except CandidateError:
        with contextlib.suppress(CandidateError):
            candidate.raw(modules.unloaded(drawn))  # so that a call of what it was to build is seen although names do not fit
        raise
    state = drawn.state or {}
    for before in {"", prefix}:
        given = {f"{before}{name}": x for name, x in {**state, **spare}.items()}
        found = again(candidate, replace(drawn, state=given), plain)
        expect.close(found, plain, "the result with what a real checkpoint has besides")
    last = list(state)[-1]
    _refused(candidate, replace(drawn, state={name: x for name, x in state.items() if name != last}), last, "lacks")
    _refused(candidate, replace(drawn, state={**state, "surplus.weight": torch.ones(2)}), "surplus.weight", "has besides")


def _refused(candidate: Candidate, drawn: Drawn, name: str, what: str) -> None:
    happening = candidate.refusal(drawn)
    told = f"a state_dict that {what} {name!r}"
    if happening is None:
        raise Failed(f"{told} was taken; expected a ValueError that names it.")
    if happening.error != "ValueError" or name not in happening.message:
        raise Failed(f"{told} raised {happening.error} ({happening.message}); expected a ValueError that names it.")


def hangs_on(candidate: Candidate, drawn: Drawn, vocab: int, *changes: tuple[str, int, int]) -> None:
    """For each (input, place, first): that token of the first row has a say in its row from `first` on, and in no other.

    All changes go in as one batch, beside which the texts as they were went in alone.
    """
    whole, others = candidate.use(drawn), []
    for name, place, _ in changes:
        other = drawn.inputs[name].clone()
        other[0, place] = (other[0, place] + 1) % vocab
        others.append({**drawn.inputs, name: other})
    many = replace(drawn, inputs={name: torch.cat([other[name] for other in others]) for name in drawn.inputs})
    found = again(candidate, many, whole.repeat(len(changes), 1, 1)).chunk(len(changes))
    for (name, place, first), changed in zip(changes, found, strict=True):
        change = (changed - whole).abs().amax(-1)
        told = f"the {'last' if place < 0 else f'{place + 1}.'} token in the first row of {name} was changed"
        expect.true(bool((change[0, first:] > SEEN).all()), f"{told}, and some of what hangs on it is as it was.")
        expect.true(bool((change[1:] < SEEN).all()), f"{told}, and another row is not as it was.")


def add_no_future(
    component: Component, needs: Callable, points: float, name: str, vocab: str, hint: str, *, of: str = "", once: bool = True
) -> None:
    """Adds a law: later tokens of the input `name`, of `vocab` kinds, have no say in the logits of earlier places (`of` what)."""
    proves = "sees-future" if "sees-future" in catalogue.own(component.name) else None

    def no_future(candidate: Candidate, case: Case) -> None:
        _no_future(candidate, component.draw(case), name, case.sizes[vocab], proves)

    sentence = f"No place of {of} sees a later one" if of else "No place sees a later one"
    component.add(Law(no_future.__name__, sentence, hint, no_future, points, needs.__name__, once=once))


def _no_future(candidate: Candidate, drawn: Drawn, name: str, vocab: int, proves: str | None) -> None:
    """Texts that differ in later tokens, in one batch."""
    tokens = drawn.inputs[name]
    places, texts = sorted({1, tokens.shape[1] - 1}), [tokens]
    for place in places:
        texts.append(torch.cat([tokens[:, :place], (tokens[:, place:] + 1) % vocab], dim=1))
    inputs = {other: x.repeat(len(texts), 1) for other, x in drawn.inputs.items()} | {name: torch.cat(texts)}
    whole, *changed = candidate.use(replace(drawn, inputs=inputs)).chunk(len(texts))
    with agreement.proving(proves):
        for place, found in zip(places, changed, strict=True):
            what = f"the logits before place {place} after all later tokens were changed"
            expect.close(found[:, :place], whole[:, :place], what)


# Every number learns


def learning(component: Callable, use: dict, cotangent: torch.Tensor | None = None) -> dict[str, Any]:
    """Runs where the answer is: how many numbers of the model learn, and with a cotangent what reaches them.

    `numbers`, `still` (those that ask for no gradient), `without` (parameters that got none), `square` (the sum of the
    squares of all gradients), `result`, `slopes` (the gradients of floating inputs). A parameter under two names counts once.
    """
    model = procedures.built(component, use)
    parameters = list(model.parameters())
    told: dict[str, Any] = {
        "numbers": sum(p.numel() for p in parameters),
        "still": sum(p.numel() for p in parameters if not p.requires_grad),
    }
    if cotangent is None:
        return told
    leaves = [x.clone().requires_grad_(x.is_floating_point()) for x in use["inputs"].values()]
    with watch.on():
        result = model(*(x.clone() for x in leaves), **use["options"])
    asked = [p for p in parameters if p.requires_grad]
    wanted = [*asked, *(x for x in leaves if x.requires_grad)]
    grads: list = [None] * len(wanted)
    if isinstance(result, torch.Tensor) and result.requires_grad and result.shape == cotangent.shape:
        grads = list(torch.autograd.grad((result * cotangent.to(result.dtype)).sum(), wanted, allow_unused=True))
    found = [g.double() for g in grads[: len(asked)] if g is not None]
    told["without"] = sum(g is None for g in grads)
    told["square"] = float(sum(float((g * g).sum()) for g in found))
    return told | {"result": procedures.plain(result), "slopes": procedures.plain(grads[len(asked) :])}


def size(candidate: Candidate, drawn: Drawn, untied: int) -> None:
    """The model learns exactly as many numbers as the real one; `untied` more prove `untied-output`."""
    _count(_learning(candidate, drawn), _right(candidate, drawn), untied)


def _count(found: dict, right: dict, untied: int = 0) -> None:
    more = found["numbers"] - right["numbers"]
    told = f"the model has {found['numbers']:,} numbers in its parameters; expected {right['numbers']:,}."
    expect.true(not more, told, proves="untied-output" if untied and more == untied else None)
    expect.true(not found["still"], f"{found['still']:,} numbers ask for no gradient.", proves="not-differentiable")


def every_number_learns(candidate: Candidate, drawn: Drawn, plain: bool = True, counts: bool = False) -> None:
    """A gradient reaches every parameter and floating input; where the result is the oracle's, they are its too.

    Where that is not asked (`plain`), or the model has other numbers than the real one, nothing is compared. With `counts` it
    has to have as many.
    """
    (cotangent,) = candidate.cotangents(drawn)
    found, right = _learning(candidate, drawn, cotangent), _right(candidate, drawn, cotangent)
    if counts:
        _count(found, right)
    result = expect.form(found["result"], right["result"], candidate.component.parts[0])
    same = torch.allclose(result.double(), right["result"].double(), *SAME)
    plain = plain and same and found["numbers"] == right["numbers"]
    if found["without"] > right["without"] and (plain or not found["square"]):
        raise Failed(
            f"{found['without']} parameters or inputs get no gradient from the result: on the way back the path is cut "
            "(by .detach(), .item(), .data, torch.no_grad, NumPy, or integers).",
            proves="not-differentiable",
        )
    lengths = [torch.tensor(told["square"] ** 0.5, dtype=torch.float64) for told in (found, right)]
    pairs: list[tuple] = [(*lengths, "the length of all gradients together")]
    for got, wanted in zip(found["slopes"], right["slopes"], strict=True):
        what = "the gradient with respect to the input"
        pairs.append((expect.form(torch.zeros_like(wanted) if got is None else got, wanted, what), wanted, what))
    for got, wanted, what in pairs:
        expect.finite(got, what)
        if plain:
            expect.gradient(got, wanted, what)


def _learning(candidate: Candidate, drawn: Drawn, *cotangent: torch.Tensor) -> dict[str, Any]:
    found = candidate.there(learning, vars(drawn), *cotangent)
    wanted = {"numbers": int, "still": int, **({"without": int, "square": float, "slopes": list} if cotangent else {})}
    if not isinstance(found, dict) or not all(isinstance(found.get(name), kind) for name, kind in wanted.items()):
        raise Failed("the model's parameters could not be looked at.", about=About.FORM)
    return found


def _right(candidate: Candidate, drawn: Drawn, *cotangent: torch.Tensor) -> dict[str, Any]:
    # through the one door: files that are judged side by side share what was built of the oracle
    return OracleCandidate(candidate.component).there(learning, vars(drawn), *cotangent)


# Laws of each such model


def takes_real_weights(
    component: Component, whose: str, hint: str, spare: Callable[[dict], Mapping[str, torch.Tensor]], prefix: str = ""
) -> Callable:
    """Adds the first law, of a quarter: the real one's weights go in, with what its files carry besides (`spare`)."""

    def takes_real_weights(candidate: Candidate, case: Case) -> None:
        drawn = component.draw(case.at(layers=1))
        goes_in(candidate, drawn, spare(drawn.state or {}), prefix)

    sentence = f"The weights of a real {whose} go in, and no others"
    return component.add(Law(takes_real_weights.__name__, sentence, hint, takes_real_weights, 0.25, once=True))


def refuses_long_texts(component: Component, needs: Callable) -> None:
    """Adds a law of a quarter: no more than max_len tokens."""

    def refuses_long_texts(candidate: Candidate, case: Case) -> None:
        too_long = case.max_len + 1
        agreement.refused(candidate, component.draw(case, seq=too_long), {"max_len": case.max_len, "seq": too_long})

    law = Law(
        refuses_long_texts.__name__, "More than max_len tokens raise a ValueError that names max_len and a number",
        "Positions behind the last row of the table do not exist. Who says so?",
        refuses_long_texts, 0.25, needs.__name__, edge=True,
    )  # fmt: skip
    component.add(law)


def add_common(
    component: Component, needs: Callable, sizes: tuple[str, ...], *, precise: Callable | None = None,
    counts: bool = True, drops: bool = True,
) -> None:  # fmt: skip
    """Adds laws of a quarter each: every number learns, dropout in training alone, precision, sizes of 1 and devices.

    `precise` draws where eps does not show in float32. With `counts` the model's numbers are counted too. The laws but the
    first are judged on a model of one block: a second one adds time alone.
    """

    def shallow(case: Case) -> Drawn:
        return component.draw(case.at(layers=1))

    def every_parameter_learns(candidate: Candidate, case: Case) -> None:
        drawn = component.draw(case).to(torch.float64)  # where what is told elsewhere, as of an eps, shows in the values too
        every_number_learns(candidate, drawn, counts=counts)

    start = "It learns as many numbers as the real one: gradients reach" if counts else "Gradients reach"
    inputs = " and the inputs" if component.draw(component.cases[0]).floating else ""
    learns = Law(
        "every_number_learns", f"{start} all parameters{inputs} and are right",
        "Stay with tensor operations on the whole path from the parameters to the result.",
        every_parameter_learns, 0.25, needs.__name__, once=True,
    )  # fmt: skip
    component.add(learns)
    if drops:
        dropout.add_in_training_alone(component, needs, "Which of your layers knows whether the model is in training?", shallow)
    component.add(agreement.keeps_precision(component, 0.25, needs, precise or shallow))
    component.add(agreement.any_size_and_device(component, 0.25, needs, sizes, shallow))  # the last one: it moves what was built
