"""Verdicts: points, diagnosis of slips that come together, hidden cases, messages."""

import math

import numpy as np
import pytest
import torch

from autograder.framework.candidate import LocalCandidate
from autograder.framework.component import component
from autograder.framework.judge import HIDDEN, INPUTS, LITTLE, judge


def verdict(name, answer, hidden=False):
    return judge(LocalCandidate(component(name), answer), hidden)


def softmax(x, dim=-1):
    e = torch.exp(x - x.amax(dim, keepdim=True))
    return e / e.sum(dim, keepdim=True)


def masked_attention(fill, scale=True, clean=None):
    def attention(q, k, v, mask=None):
        scores = q @ k.mT / (math.sqrt(q.shape[-1]) if scale else 1.0)
        if mask is not None:
            scores = scores.masked_fill(~mask, fill)
        weights = softmax(scores)
        if clean is not None and mask is not None:
            weights = clean(weights, mask)
        return weights @ v, weights

    return attention


def test_a_constant_or_careless_answer_earns_next_to_nothing():
    for answer in (lambda x, dim=-1: x, lambda x, dim=-1: torch.ones_like(x), lambda x, dim=-1: None, lambda x: x):
        found = verdict("softmax", answer)
        assert not found.passed and found.points <= LITTLE and found.misconception is None


def test_slips_that_come_together_are_still_named():
    assert verdict("attention", masked_attention(-math.inf, scale=False)).misconception == "no-scale"
    assert verdict("attention", masked_attention(-1e9, scale=False)).misconception == "no-scale"
    assert verdict("attention", masked_attention(-math.inf)).misconception == "all-masked-nan"
    assert verdict("attention", masked_attention(-1e9)).misconception == "all-masked-nan"


def test_a_mistake_that_is_in_no_catalogue_gets_no_name():
    def tempered(q, k, v, mask=None):
        output, weights = masked_attention(-1e9, clean=lambda w, m: w * m)(q * 1.5, k, v, mask)
        return output, weights

    found = verdict("attention", tempered)
    assert not found.passed and found.misconception is None


@pytest.mark.parametrize("fill", [-1e9, -1e30, torch.finfo(torch.float32).min])
def test_any_fill_value_passes(fill):
    found = verdict("attention", masked_attention(fill, clean=lambda weights, mask: weights * mask), hidden=True)
    assert found.passed and found.points == found.max_points and found.misconception is None


def test_an_answer_that_fixes_a_size_fails_only_the_hidden_cases():
    visible = {case.cols for case in component("softmax").cases}

    def fitted(x, dim=-1):
        # Right for every size that the notebook's checks use, wrong for others.
        right = softmax(x, dim)
        return right if {*visible, 5} & set(x.shape) or x.numel() <= 8 else right * 1.01

    shown, hidden = verdict("softmax", fitted), verdict("softmax", fitted, hidden=True)
    assert shown.passed
    assert not hidden.passed
    failed = [finding.message for finding in hidden.findings if finding.failed]
    assert failed and set(failed) == {HIDDEN}


def test_a_changed_input_costs_its_points_and_is_named():
    def in_place(x, dim=-1):
        x -= x.amax(dim, keepdim=True)
        return softmax(x, dim)

    found = verdict("softmax", in_place)
    assert found.misconception == "changes-input" and found.points <= found.max_points - 0.25
    assert not next(finding for finding in found.findings if finding.law == INPUTS).held


def test_a_path_that_is_cut_in_part_is_named():
    def softmax_cut(x, dim=-1):
        e = torch.exp(x - x.amax(dim, keepdim=True))
        return e / e.sum(dim, keepdim=True).detach()

    def softmax_in_numpy(x, dim=-1):
        e = np.exp(x.numpy() - x.numpy().max(axis=dim, keepdims=True))
        return torch.from_numpy(e / e.sum(axis=dim, keepdims=True))

    def attention_cut(q, k, v, mask=None):
        output, weights = masked_attention(-1e9, clean=lambda weights, mask: weights * mask)(q, k, v, mask)
        return output, weights.detach()

    for name, answer in (("softmax", softmax_cut), ("softmax", softmax_in_numpy), ("attention", attention_cut)):
        assert verdict(name, answer).misconception == "not-differentiable"


def test_results_of_odd_shapes_fail_without_ending_the_run():
    def swapped(q, k, v, mask=None):
        output, weights = masked_attention(-1e9)(q, k, v, mask)
        return weights, output

    for answer, id in ((swapped, "outputs-swapped"), (lambda q, k, v, mask=None: (q.sum(), k[0]), None)):
        found = verdict("attention", answer)
        assert not found.passed and found.misconception == id and not found.faults


def test_points_are_quarters_and_never_above_the_maximum():
    for name in ("softmax", "attention_scores", "attention", "blockwise_attention"):
        built = component(name)
        assert (built.points * 4).is_integer()
        found = judge(LocalCandidate(built, softmax))
        assert 0 <= found.points <= built.points and (found.points * 4).is_integer()


def test_a_stub_is_invited_to_start():
    def stub(x, dim=-1):
        raise NotImplementedError("Your turn: replace this line.")

    found = verdict("softmax", stub)
    assert found.points == 0 and found.misconception is None
    assert "Nothing is here yet" in found.findings[0].message


def test_an_error_shows_the_learners_line_and_not_ours():
    def raises(x, dim=-1):
        return x.no_such_method(dim)

    found = verdict("softmax", raises)
    assert "no_such_method" in found.findings[0].message and "return x.no_such_method(dim)" in found.findings[0].message
    assert "autograder" not in found.findings[0].message


def test_a_message_has_a_length_whatever_an_answer_is_made_of():
    class Strange(component("SelfAttention").oracle):
        def __init__(self, *sizes):
            super().__init__(*sizes)
            for letter in "abc":
                self.register_buffer(letter * 1_000_000, torch.zeros(1))

    found = verdict("SelfAttention", Strange)
    assert any("The state_dict also has aaa" in finding.message for finding in found.findings)
    assert all(len(finding.message) < 3000 for finding in found.findings)
