"""Messages between judge and answer: whatever goes in comes out the same, and no bytes do harm."""

import json
import math
import struct

import psutil
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.framework.expect import Other
from autograder.framework.isolation import wire

DTYPES = [torch.float32, torch.float64, torch.float16, torch.int64, torch.int32, torch.uint8, torch.bool]
quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tensors(draw):
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    dtype = draw(st.sampled_from(DTYPES))
    numbers = torch.arange(math.prod(shape)).reshape(shape)
    tensor = (numbers % 2).to(dtype) if dtype == torch.bool else numbers.to(dtype)
    return tensor.mT if draw(st.booleans()) and tensor.dim() > 1 else tensor


plain = st.one_of(st.none(), st.booleans(), st.integers(-(2**60), 2**60), st.floats(allow_nan=False), st.text(max_size=20))
messages = st.recursive(
    st.one_of(plain, tensors()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.lists(inner, max_size=4).map(tuple),
        st.dictionaries(st.text(max_size=8), inner, max_size=4),
    ),
    max_leaves=12,
)


def same(a, b):
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and torch.equal(a, b)
    if isinstance(a, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return isinstance(b, dict) and a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) is type(b) and a == b


@given(messages)
@quick
def test_what_goes_in_comes_out(message):
    assert same(wire.unpack(wire.pack(message)), message)


@given(messages, st.data())
@quick
def test_bytes_that_were_spoiled_give_a_wire_error_or_a_message_and_nothing_else(message, data):
    packed = bytearray(wire.pack(message))
    for _ in range(data.draw(st.integers(1, 4))):
        packed[data.draw(st.integers(0, len(packed) - 1))] = data.draw(st.integers(0, 255))
    cut = bytes(packed[: data.draw(st.integers(0, len(packed)))])
    for spoiled in (bytes(packed), cut):
        try:
            wire.unpack(spoiled)
        except wire.WireError:
            pass


@given(st.binary(max_size=200))
@quick
def test_any_bytes_at_all_give_a_wire_error_or_a_message(data):
    try:
        wire.unpack(data)
    except wire.WireError:
        pass


class Odd:
    """Something that a learner's answer may return."""

    def __repr__(self):
        raise RuntimeError("not to be asked")


@pytest.mark.parametrize(
    "value", [Odd(), Odd, lambda: 1, 3 + 4j, b"bytes", {1, 2}, torch.ones(2).to_sparse(), torch.ones(2, dtype=torch.complex64)]
)
def test_what_is_neither_plain_nor_a_tensor_travels_as_the_name_of_its_kind(value):
    found = wire.unpack(wire.pack([value]))
    assert isinstance(found[0], Other) and found[0].kind


def test_a_nest_without_end_is_cut_off():
    nest = []
    nest.append(nest)
    assert "nest" in repr(wire.unpack(wire.pack(nest)))


def test_half_a_character_does_not_come_through():
    half = "\ud800"
    assert repr(wire.unpack(wire.pack({half: [half, Other(half, half)]}))) == repr({"?": ["?", Other("?", "?")]})
    assert wire.unpack(wire.pack(["λ", "𝛼"])) == ["λ", "𝛼"]


@pytest.mark.parametrize("name", ["no_such_type", "nn", "load", "", 5, None, []])
def test_what_is_not_a_type_of_pytorch_does_not_come_through_as_one(name):
    body = json.dumps({"$": "dtype", "name": name}).encode()
    with pytest.raises(wire.WireError):
        wire.unpack(struct.pack("<Q", len(body)) + body)


def test_a_message_of_many_small_things_is_not_read():
    body = b'{"$": "list", "items": [' + b"[]," * 10_000_000 + b"[]]}"
    before = psutil.Process().memory_info().rss
    with pytest.raises(wire.WireError):
        wire.unpack(struct.pack("<Q", len(body)) + body)
    assert psutil.Process().memory_info().rss - before < 2**28


def test_a_long_text_is_read():
    text = 'a, b, [c], "d", \\",,\n' * 200_000
    assert wire.unpack(wire.pack([text])) == [text]


def test_a_message_of_many_small_tensors_is_not_read():
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    head = json.dumps({str(number): entry for number in range(300_000)}).encode()
    before = psutil.Process().memory_info().rss
    with pytest.raises(wire.WireError):
        wire.unpack(struct.pack("<Q", 4) + b"null" + struct.pack("<Q", len(head)) + head)
    assert psutil.Process().memory_info().rss - before < 2**28
