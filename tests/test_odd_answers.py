"""Answers that return nonsense are failed with sentences: the checker itself never falls over them."""

import warnings

import pytest
import torch
from torch import nn

from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component
from autograder.framework.judge import LITTLE, judge
from utils.manifest import load

NONSENSE = {
    "none": lambda *a, **k: None,
    "number": lambda *a, **k: 3,
    "text": lambda *a, **k: "x",
    "nothing": lambda *a, **k: (),
    "numbers": lambda *a, **k: (1, 2),
    "list": lambda *a, **k: [torch.zeros(2)],
    "empty tensor": lambda *a, **k: torch.zeros(0),
    "scalar": lambda *a, **k: torch.zeros(()),
    "one by one": lambda *a, **k: torch.zeros(1, 1),
    "short pair": lambda *a, **k: (torch.zeros(3), torch.zeros(3)),
    "long pair": lambda *a, **k: (torch.zeros(1, 1, 1, 1), torch.zeros(2, 2, 2)),
    "dict": lambda *a, **k: {"a": 1},
    "input": lambda *a, **k: a[0] if a else 1,
    "inputs": lambda *a, **k: (a[0], a[0]) if a else 1,
    "integers": lambda *a, **k: torch.ones(3, 5, dtype=torch.int64),
    "complex": lambda *a, **k: torch.ones(3, 5, dtype=torch.complex64),
    "generator": lambda *a, **k: (_ for _ in ()),
}


def layer(returns, loads=True):
    class Layer(nn.Module):
        def __init__(self, *arguments, **settings):
            super().__init__()
            self.w = nn.Linear(2, 2)

        def forward(self, *arguments, **settings):
            return returns(*arguments, **settings)

        def load_state_dict(self, *arguments, **settings):
            return super().load_state_dict(*arguments, **settings) if loads else None

    return Layer


@pytest.mark.parametrize("name", [exercise.id for exercise in load().exercises])
def test_nonsense_is_failed_and_breaks_nothing(name):
    answers = [5, None, "x", nn.Linear, lambda: 1]
    for returns in NONSENSE.values():
        answers += [layer(returns), layer(returns, loads=False)] if name[0].isupper() else [returns]
    for answer in answers:
        verdict = judge(LocalCandidate(component(name), answer), hidden=True)
        assert not verdict.passed
        assert verdict.points <= LITTLE and not verdict.faults
        assert all(finding.message for finding in verdict.findings if not finding.held)


def test_the_warnings_of_an_answer_stay_out_of_its_check_cell():
    def softmax(x, dim=-1):
        warnings.warn("an old way", stacklevel=2)
        shares = torch.exp(x - x.amax(dim, keepdim=True))
        return shares / shares.sum(dim, keepdim=True)

    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        assert judge(LocalCandidate(component("softmax"), softmax)).passed
    assert seen == []
