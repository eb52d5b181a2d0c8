"""What holds for every component: general slips, made on its own solution, fail where they should and nowhere else."""

import pytest
import torch
from torch.utils._pytree import tree_map

from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component
from autograder.framework.judge import INPUTS, LITTLE, judge
from autograder.framework.known_answers import solution
from utils.manifest import load

EXERCISES = [exercise.id for exercise in load().exercises]
DEVICE = "It works for sizes of 1 and on any device"
PRECISION = "It keeps the precision of its inputs: float32 stays float32, float64 is right to its last digits"
METHODS = ("forward", "encode", "decode")


def has(name, law):
    return any(known.sentence == law for known in component(name).laws)


WITH_TENSORS = [name for name in EXERCISES if has(name, DEVICE)]
WITH_AXES = [name for name in WITH_TENSORS if name != "label_smoothed_loss"]  # a result without axes drops none and mixes freely
WITH_PRECISION = [name for name in EXERCISES if has(name, PRECISION)]
EXACT = [name for name in WITH_PRECISION if name != "Transformer"]  # whose encoding may be of float32


def on_tensors(change):
    return lambda result: tree_map(lambda x: change(x) if isinstance(x, torch.Tensor) else x, result)


def on_numbers(change):
    """The same, for results that are or hold Python's numbers too."""

    def changed(x):
        return type(x)(change(torch.tensor(float(x))).item()) if type(x) in (int, float) else x

    return lambda result: tree_map(lambda x: change(x) if isinstance(x, torch.Tensor) else changed(x), result)


def slipped(name, after=lambda result: result, before=lambda args: args, methods=METHODS):
    """The chapter's solution with something done to what goes in, and to what comes out, in these methods of a module."""
    right = solution(load().exercise(name).chapter, name).answer
    if not isinstance(right, type):

        def function(*args, **kwargs):
            return after(right(*before(args), **before(kwargs)))

        return function

    def method(called):
        return lambda self, *args, **kwargs: after(called(self, *before(args), **before(kwargs)))

    changed = {each: method(getattr(right, each)) for each in methods if hasattr(right, each)}
    return type(right.__name__, (right,), changed)


def verdict(name, answer, hidden=False):
    return judge(LocalCandidate(component(name), answer), hidden)


def failed(found):
    return [finding.law for finding in found.findings if finding.failed]


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_passes_and_no_law_has_a_fault(name):
    found = verdict(name, slipped(name), hidden=True)
    assert found.passed and not found.faults and found.points == found.max_points == load().exercise(name).points


@pytest.mark.parametrize("name", WITH_AXES)
def test_axes_of_size_one_that_are_dropped_are_found(name):
    found = verdict(name, slipped(name, on_tensors(lambda x: x.squeeze())))
    assert not found.passed and not found.faults
    assert found.misconception == {"create_padding_mask": "wrong-shape"}.get(name)  # where that is just what it is


@pytest.mark.parametrize("name", WITH_AXES)
def test_a_helper_on_the_cpu_is_found_and_costs_one_law(name):
    found = verdict(name, slipped(name, on_tensors(lambda x: torch.where(torch.ones(x.shape, dtype=torch.bool), x, x))))
    assert failed(found) == [DEVICE] and found.misconception is None


@pytest.mark.parametrize("name", WITH_PRECISION)
def test_double_where_float32_was_promised_costs_the_law_on_precision(name):
    wider = on_tensors(lambda x: x.double() if x.is_floating_point() else x)
    found = verdict(name, slipped(name, wider, methods=("forward",)))
    assert failed(found) == [PRECISION]


@pytest.mark.parametrize("name", EXACT)
def test_float32_in_the_middle_costs_the_law_on_precision_and_is_named(name):
    # What goes into gradient_norms hangs together in a graph: there too the result is what slips.
    if isinstance(solution(load().exercise(name).chapter, name).answer, type) or name == "gradient_norms":
        answer = slipped(name, on_tensors(lambda x: x.float().to(x.dtype) if x.is_floating_point() else x))
    else:
        dtype = {}

        def narrow(args):
            def change(x):
                if x.is_floating_point():
                    dtype["was"] = x.dtype
                    return x.float()
                return x

            return on_tensors(change)(args)

        answer = slipped(name, on_tensors(lambda x: x.to(dtype["was"]) if x.is_floating_point() else x), narrow)
    found = verdict(name, answer)
    assert failed(found) == [PRECISION] and found.misconception == "float32-inside"


@pytest.mark.parametrize("name", [name for name in EXERCISES if component(name).input_points])
def test_an_input_that_is_written_to_costs_its_quarter_alone(name):
    def spoiling(right):
        def method(*args, **kwargs):
            result = right(*args, **kwargs)
            with torch.no_grad():
                for x in args:
                    if isinstance(x, list):
                        x.clear()
                    if isinstance(x, torch.Tensor) and x.numel():
                        x.data = x.data.clone() if x.is_leaf and x.requires_grad else x.data
                        x.mul_(0) if x.dtype != torch.bool else x.logical_not_()
            return result

        return method

    right = solution(load().exercise(name).chapter, name).answer
    if isinstance(right, type):
        answer = type(
            right.__name__, (right,), {each: spoiling(getattr(right, each)) for each in METHODS if hasattr(right, each)}
        )
    else:
        answer = spoiling(right)
    found = verdict(name, answer)
    assert INPUTS in failed(found) and found.misconception == "changes-input"


TRIVIAL = {
    "zeros": on_numbers(torch.zeros_like),
    "ones": on_numbers(torch.ones_like),
    "even": on_numbers(
        lambda x: torch.full_like(x, 1 / x.shape[-1]) if x.is_floating_point() and x.dim() else torch.zeros_like(x)
    ),
    "noise": on_numbers(lambda x: torch.randn_like(x) if x.is_floating_point() else torch.zeros_like(x)),
}


@pytest.mark.parametrize("trivial", TRIVIAL)
@pytest.mark.parametrize("name", EXERCISES)
def test_a_trivial_answer_earns_at_most_a_quarter(name, trivial):
    found = verdict(name, slipped(name, TRIVIAL[trivial]))
    assert found.points <= LITTLE and not found.faults
    assert found.misconception is None or found.misconception in ("not-differentiable", "mask-inverted")


@pytest.mark.parametrize("name", EXERCISES)
def test_an_answer_that_returns_its_input_earns_at_most_a_quarter(name):
    right = solution(load().exercise(name).chapter, name).answer
    if isinstance(right, type):
        changed = {each: lambda self, x, *args, **kwargs: x for each in METHODS if hasattr(right, each)}
        answer = type(right.__name__, (right,), changed)
    else:
        answer = lambda *args, **kwargs: args[0]  # noqa: E731
    assert verdict(name, answer).points <= LITTLE


ODD = {
    "nothing": lambda *args, **kwargs: None,
    "text": lambda *args, **kwargs: "done",
    "empty": lambda *args, **kwargs: torch.zeros(0),
    "pair": lambda *args, **kwargs: (torch.zeros(2), torch.zeros(3)),
    "complex": lambda *args, **kwargs: torch.zeros(2, dtype=torch.complex64),
    "nest": lambda *args, **kwargs: [[[torch.zeros(1)]]],
    "no arguments": lambda: None,
    "a number": lambda *args, **kwargs: 1.0,
    "itself": lambda *args, **kwargs: ODD,
}


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("name", EXERCISES)
def test_nonsense_fails_and_is_not_a_fault_of_ours(name, odd):
    found = verdict(name, ODD[odd], hidden=True)
    assert not found.passed and not found.faults and found.points <= LITTLE
    assert found.misconception is None
