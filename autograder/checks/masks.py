"""The laws of the masks of chapter 03: create_look_ahead_mask, create_padding_mask."""

import torch

from autograder.checks import expect
from autograder.checks.case import Case
from autograder.checks.component import Component
from utils import reference

CHAPTER = "03_self_attention"


def _boolean(mask, numbers):
    """`mask` holds booleans; `numbers` says where numbers would be right."""
    expect.tensor(mask, what="the mask")
    expect.true(
        mask.dtype == torch.bool,
        f"the mask is {str(mask.dtype).removeprefix('torch.')}; expected bool, True = may attend. {numbers}",
        rule="not-boolean" if mask.dim() > 1 else None,
    )
    return mask


# create_look_ahead_mask

LOOK_AHEAD = Component(
    "create_look_ahead_mask", CHAPTER, reference.create_look_ahead_mask, forbids="attention", input_points=0,
    cases=[Case(seed=301, seq_len=5), Case(seed=302, seq_len=7), Case(seed=303, seq_len=1)],
)  # fmt: skip
_RULE = "position i may attend to position j exactly when j is at or before i"


def oracle_look_ahead(seq_len):
    """The rule, one pair of positions at a time."""
    mask = torch.empty(seq_len, seq_len, dtype=torch.bool)
    for i in range(seq_len):
        for j in range(seq_len):
            mask[i, j] = j <= i
    return mask


def _look_ahead(candidate, seq_len):
    numbers = "Numbers would be right where a mask is added to the scores or multiplied with the weights."
    return expect.tensor(_boolean(candidate(seq_len), numbers), shape=(seq_len, seq_len), what="the mask")


@LOOK_AHEAD.law(
    _RULE, points=0.75,
    hint="Row i looks, column j is looked at. Write out the three rows for seq_len=3.",
)  # fmt: skip
def _(candidate, case):
    mask = _look_ahead(candidate, case.seq_len)
    right = oracle_look_ahead(case.seq_len)
    expect.true(
        case.seq_len == 1 or not torch.equal(mask, ~right),
        "the mask marks what is forbidden: right where True = hidden, and here True = may attend.",
    )
    expect.equal(mask, right, what="the mask")


@LOOK_AHEAD.law(
    "no position sees a later one", points=0.25, cases=lambda case: case.seq_len > 1,
    hint="Everything above the diagonal is the future, and must be False.",
)  # fmt: skip
def _(candidate, case):
    mask = _look_ahead(candidate, case.seq_len)
    expect.true(bool(mask.any()), "every entry is False, so nobody sees anything.")
    ahead = mask.triu(1).nonzero()
    seen = f"position {ahead[0, 0]} sees position {ahead[0, 1]}, which comes later." if len(ahead) else ""
    expect.true(not len(ahead), seen)


@LOOK_AHEAD.law(
    "every position sees itself and all that came before", points=0.25, cases=lambda case: case.seq_len > 2,
    hint="The diagonal and everything below it is the present and the past, and must be True.",
)  # fmt: skip
def _(candidate, case):
    mask = _look_ahead(candidate, case.seq_len)
    expect.true(not bool(mask.all()), "every entry is True, so nothing is hidden.")
    hidden = (~mask & oracle_look_ahead(case.seq_len)).nonzero()
    blind = f"position {hidden[0, 0]} does not see position {hidden[0, 1]}." if len(hidden) else ""
    expect.true(not len(hidden), blind)


@LOOK_AHEAD.law(
    "the mask of a shorter text is the corner of a longer one's", points=0.25, needs=_RULE,
    hint="Whether i sees j does not depend on how long the text is.",
)  # fmt: skip
def _(candidate, case):
    longer = _look_ahead(candidate, case.seq_len + 3)
    corner = longer[: case.seq_len, : case.seq_len]
    expect.equal(corner, _look_ahead(candidate, case.seq_len), what="the corner of the longer mask")
    again = _look_ahead(candidate, case.seq_len)
    expect.equal(again, oracle_look_ahead(case.seq_len), what="the mask made a second time")


@LOOK_AHEAD.probe("five")
def _(candidate, given):
    return candidate(5)


@LOOK_AHEAD.probe("two")
def _(candidate, given):
    return candidate(2)


@LOOK_AHEAD.probe("one")
def _(candidate, given):
    return candidate(1)


# create_padding_mask

PADDING = Component(
    "create_padding_mask", CHAPTER, reference.create_padding_mask, forbids="attention",
    cases=[
        Case(seed=311, batch=3, seq=7, vocab=11, pad_id=0),
        Case(seed=312, batch=2, seq=5, vocab=7, pad_id=3),
    ],
)  # fmt: skip
_REAL = "it is True exactly where the key is a real token"


def oracle_padding(tokens, pad_id):
    """One token at a time."""
    mask = torch.empty(tokens.shape[0], 1, tokens.shape[1], dtype=torch.bool)
    for b, sentence in enumerate(tokens.tolist()):
        for j, token in enumerate(sentence):
            mask[b, 0, j] = token != pad_id
    return mask


def _tokens(case, pad_id):
    """Random tokens, each sentence with its own tail of padding, and a pad in the middle of the first."""
    tokens = case.integers(0, case.vocab, case.batch, case.seq)
    tokens[tokens == pad_id] = pad_id + 1
    lengths = case.integers(1, case.seq + 1, case.batch)
    tokens[torch.arange(case.seq) >= lengths[:, None]] = pad_id
    tokens[0, case.seq // 2] = pad_id
    return tokens


def _padding(candidate, tokens, pad_id):
    mask = candidate(tokens, pad_id)
    _boolean(mask, "Numbers would be right where a mask is added to the scores.")
    batch, seq = tokens.shape
    if tuple(mask.shape) != (batch, 1, seq):
        # A mask in another arrangement of the same axes is a matter of shape; anything else is none of that.
        arranged = mask.dim() > 1 and set(mask.shape) <= {1, batch, seq}
        message = f"the mask has shape {tuple(mask.shape)}; expected (batch, 1, seq) = {(batch, 1, seq)}."
        raise expect.Failed(message, rule="wrong-shape" if arranged else None)
    return mask


@PADDING.law(
    _REAL, points=0.5,
    hint="Compare the tokens with pad_id; then give the result an axis of size one where the queries are.",
)  # fmt: skip
def _(candidate, case):
    tokens = _tokens(case, case.pad_id)
    mask, right = _padding(candidate, tokens, case.pad_id), oracle_padding(tokens, case.pad_id)
    expect.true(
        not torch.equal(mask, ~right),
        "the mask marks the padding: right where True = ignore, and here True = may attend.",
    )
    expect.equal(mask, right, what=f"the mask for pad_id={case.pad_id}")


@PADDING.law(
    "any number may be the padding, of any integer type", points=0.25, needs=_REAL,
    hint="Compare with the argument pad_id, not with a number that you expect it to be.",
)  # fmt: skip
def _(candidate, case):
    for pad_id in (0, case.vocab, 1, -1):
        tokens = _tokens(case, pad_id)
        right = oracle_padding(tokens, pad_id)
        expect.equal(_padding(candidate, tokens, pad_id), right, what=f"the mask for pad_id={pad_id}")
        narrow = tokens.to(torch.int32)
        expect.equal(_padding(candidate, narrow, pad_id), right, what="the mask of int32 tokens")


@PADDING.law(
    "a full sentence hides nothing, an empty one everything", points=0.25, needs=_REAL,
    hint="Each sentence is looked at alone: how long the others are does not matter.",
)  # fmt: skip
def _(candidate, case):
    full = case.integers(case.pad_id + 1, case.pad_id + 5, case.batch, case.seq)
    open_, closed = (torch.full((case.batch, 1, case.seq), value) for value in (True, False))
    expect.equal(_padding(candidate, full, case.pad_id), open_, what="the mask of full sentences")
    empty = torch.full((case.batch, case.seq), case.pad_id)
    expect.equal(_padding(candidate, empty, case.pad_id), closed, what="the mask of empty sentences")


@PADDING.law(
    "joined with a look-ahead mask it hides both padding and future", points=0.25, needs=_REAL,
    hint="(batch, 1, seq) and (seq, seq) broadcast to (batch, seq, seq).",
)  # fmt: skip
def _(candidate, case):
    tokens = _tokens(case, case.pad_id)
    past = oracle_look_ahead(case.seq)
    both = _padding(candidate, tokens, case.pad_id) & past
    expect.equal(both, oracle_padding(tokens, case.pad_id) & past, what="padding mask & look-ahead mask")


def _given_tokens(pad_id):
    tokens = torch.tensor([[5, 2, 8, 1, 4, 6, 3], [7, 9, 2, 3, 1, 6, 6]])
    tokens[0, 4:] = pad_id
    tokens[1, 6] = pad_id
    return tokens


@PADDING.probe("pad 0")
def _(candidate, given):
    return candidate(_given_tokens(0), 0)


@PADDING.probe("pad 10")
def _(candidate, given):
    return candidate(_given_tokens(10), 10)


@PADDING.probe("no padding")
def _(candidate, given):
    return candidate(torch.tensor([[5, 2, 8], [7, 9, 2]]), 0)
