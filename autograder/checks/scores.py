"""The laws of attention_scores."""

import math

import torch

from autograder.checks import expect
from autograder.checks.against_oracle import gradients
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "02_attention_mechanism"

SCORES = Component(
    "attention_scores", CHAPTER, reference.attention_scores, forbids="attention",
    cases=[
        Case(seed=211, batch=2, q_len=3, k_len=5, d_k=7),
        Case(seed=212, dtype=torch.float64, batch=3, q_len=7, k_len=2, d_k=13),
    ],
)  # fmt: skip


def oracle_scores(q, k):
    """q kᵀ / √d_k by the definition, one number at a time, in float64."""
    *lead, q_len, d_k = q.shape
    k_len = k.shape[-2]
    flat_q, flat_k = q.double().reshape(-1, q_len, d_k), k.double().reshape(-1, k_len, d_k)
    out = torch.empty(flat_q.shape[0], q_len, k_len, dtype=torch.float64)
    for b in range(flat_q.shape[0]):
        for i in range(q_len):
            for j in range(k_len):
                out[b, i, j] = torch.dot(flat_q[b, i], flat_k[b, j]) / math.sqrt(d_k)
    return out.reshape(*lead, q_len, k_len).to(q.dtype)


@SCORES.law(
    "there is one score for each query and each key", points=0.25,
    hint="Rows are queries, columns are keys: which axis of k must move for a matrix product?",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.batch, case.q_len, case.d_k), case.normal(case.batch, case.k_len, case.d_k)
    expect.tensor(candidate(q, k), shape=(case.batch, case.q_len, case.k_len), dtype=q.dtype, what="the scores")


@SCORES.law(
    "each score is the dot product of query and key, over the root of d_k", points=0.5,
    hint="Compare one entry by hand: multiply query i and key j entry by entry, add up, then scale.",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.batch, case.q_len, case.d_k), case.normal(case.batch, case.k_len, case.d_k)
    expect.close(candidate(q, k), oracle_scores(q, k), case, what="the scores")


@SCORES.law(
    "any leading axes are carried along", points=0.25,
    needs="each score is the dot product of query and key, over the root of d_k",
    hint="Count axes from the end: .transpose(-2, -1) works for two axes and for five.",
)  # fmt: skip
def _(candidate, case):
    for lead in ((), (case.batch, 3)):
        q, k = case.normal(*lead, case.q_len, case.d_k), case.normal(*lead, case.k_len, case.d_k)
        expect.close(candidate(q, k), oracle_scores(q, k), case, what=f"the scores with leading axes {lead}")


@SCORES.law(
    "gradients reach q and k", points=0.25, needs="each score is the dot product of query and key, over the root of d_k",
    hint="Stay with tensor operations from the inputs to the result.",
)  # fmt: skip
def _(candidate, case):
    q, k = case.normal(case.batch, case.q_len, case.d_k), case.normal(case.batch, case.k_len, case.d_k)
    got, expected = gradients(candidate, case, q, k, names=["q", "k"])
    for name, g, e in zip(("q", "k"), got, expected, strict=True):
        expect.gradient(g, e, case, what=f"the gradient with respect to {name}")


@SCORES.probe("plain")
def _(candidate, given):
    return candidate(given.normal(2, 3, 7), given.normal(2, 5, 7))


@SCORES.probe("one key axis")
def _(candidate, given):
    return candidate(given.normal(11, 2), given.normal(13, 2))


@SCORES.probe("gradient")
def _(candidate, given):
    return candidate.gradients(given.normal(3, 7), given.normal(5, 7), cotangents=[given.normal(3, 5)])[1]
