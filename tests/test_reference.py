"""The reference keeps the contract's rules for all components, and tells who watches it."""

import inspect

import pytest
import torch
from reference_examples import DTYPES, FLOATING, draw, example, tensors
from torch import nn
from torch.autograd import gradcheck

from utils import reference
from utils.manifest import load
from utils.reference import observed

# All components


def test_components_stand_in_the_order_of_the_manifest():
    names = list(reference.COMPONENTS)
    assert names == [exercise.id for exercise in load().exercises if exercise.id in reference.COMPONENTS]
    assert all(getattr(reference, name) is built for name, built in reference.COMPONENTS.items())


@pytest.mark.parametrize("name", FLOATING)
@pytest.mark.parametrize("dtype", DTYPES)
def test_result_keeps_the_dtype(name, dtype):
    call, inputs = example(name, dtype)
    assert all(result.dtype is dtype for result in tensors(call(*inputs)))


@pytest.mark.parametrize("name", FLOATING)
def test_float32_agrees_with_float64(name):
    (call, inputs), (exact, _) = example(name, torch.float32), example(name)
    if isinstance(call, nn.Module):
        exact.load_state_dict(call.state_dict())
    for got, expected in zip(tensors(call(*inputs)), tensors(exact(*(x.double() for x in inputs))), strict=True):
        torch.testing.assert_close(got.double(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", FLOATING)
def test_inputs_are_left_alone_and_a_second_call_gives_the_same(name):
    call, inputs = example(name)
    before = [x.clone() for x in inputs]
    first, second = tensors(call(*inputs)), tensors(call(*inputs))
    assert all(torch.equal(x, y) for x, y in zip(inputs, before, strict=True))
    assert all(torch.equal(x, y) for x, y in zip(first, second, strict=True))


@pytest.mark.parametrize("name", FLOATING)
def test_gradients_in_inputs_and_parameters_are_right(name):
    call, inputs = example(name, requires_grad=True)
    parameters = dict(call.named_parameters()) if isinstance(call, nn.Module) else {}

    def function(*args):
        given = dict(zip(parameters, args[len(inputs) :], strict=True))
        return torch.func.functional_call(call, given, args[: len(inputs)]) if parameters else call(*args)

    assert gradcheck(function, (*inputs, *parameters.values()), atol=1e-7)


@pytest.mark.parametrize("name", FLOATING)
def test_result_stays_on_the_device(name):
    call, inputs = example(name)
    call = call.to("meta") if isinstance(call, nn.Module) else call
    assert all(result.device.type == "meta" for result in tensors(call(*(x.to("meta") for x in inputs))))


def linear(d_in, d_out):
    return {"weight": (d_out, d_in), "bias": (d_out,)}


def keys(**parts):
    """{part.name: shape} of {part: {name: shape}}."""
    return {f"{part}.{name}": shape for part, shapes in parts.items() for name, shape in shapes.items()}


def block(d_model, d_ff, attentions, norms):
    """The keys of an encoder or decoder block."""
    attention = keys(**{f"w_{name}": linear(d_model, d_model) for name in "qkvo"})
    feed_forward = keys(linear1=linear(d_model, d_ff), linear2=linear(d_ff, d_model))
    norm = {"weight": (d_model,), "bias": (d_model,)}
    return keys(**dict.fromkeys(attentions, attention), feed_forward=feed_forward, **dict.fromkeys(norms, norm))


ENCODER = block(6, 5, ["self_attention"], ["norm1", "norm2"])
DECODER = block(6, 5, ["self_attention", "cross_attention"], ["norm1", "norm2", "norm3"])
KEYS = {
    "SelfAttention": ((5, 7, 11), {"w_q.weight": (7, 5), "w_k.weight": (7, 5), "w_v.weight": (11, 5)}),
    "MultiHeadAttention": ((12, 3), {f"w_{w}.{p}": s for w in "qkvo" for p, s in (("weight", (12, 12)), ("bias", (12,)))}),
    "GroupedQueryAttention": (
        (12, 6, 2),
        {f"w_{w}.{p}": s for w in "qo" for p, s in (("weight", (12, 12)), ("bias", (12,)))}
        | {f"w_{w}.{p}": s for w in "kv" for p, s in (("weight", (4, 12)), ("bias", (4,)))},
    ),
    "LayerNorm": ((7,), {"weight": (7,), "bias": (7,)}),
    "FeedForward": ((5, 7), keys(linear1=linear(5, 7), linear2=linear(7, 5))),
    "EncoderBlock": ((6, 3, 5), ENCODER),
    "DecoderBlock": ((6, 3, 5), DECODER),
    "RMSNorm": ((7,), {"weight": (7,)}),
    "SwiGLU": ((5, 7), {"w_gate.weight": (7, 5), "w_up.weight": (7, 5), "w_down.weight": (5, 7)}),
    "LearnedPositionalEmbedding": ((7, 5), {"table": (7, 5)}),
    "Transformer": (
        (11, 13, 6, 3, 5, 2),
        {"source_embedding.weight": (11, 6), "target_embedding.weight": (13, 6)} | keys(output=linear(6, 13))
        | keys(**{f"{side}.{i}": own for side, own in (("encoder", ENCODER), ("decoder", DECODER)) for i in range(2)}),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", KEYS)
def test_state_dict_has_exactly_the_keys_of_the_contract(name):
    arguments, expected = KEYS[name]
    module = reference.COMPONENTS[name](*arguments)
    assert {key: tuple(value.shape) for key, value in module.state_dict().items()} == expected
    assert type(module).__name__ == name


ERRORS = {
    "blockwise_attention": (lambda: reference.blockwise_attention(draw(3, 7), draw(5, 7), draw(5, 7), 0), "block_size=0"),
    "split_heads": (lambda: reference.split_heads(draw(2, 3, 10), 3), "d_model=10 does not split into num_heads=3"),
    "MultiHeadAttention": (lambda: reference.MultiHeadAttention(10, 3), "d_model=10 does not split into num_heads=3"),
    "GroupedQueryAttention": (lambda: reference.GroupedQueryAttention(10, 3, 1), "d_model=10 does not .* num_heads=3"),
    "groups": (lambda: reference.GroupedQueryAttention(12, 6, 4), "num_heads=6 does not .* num_kv_heads=4"),
    "LearnedPositionalEmbedding": (lambda: reference.LearnedPositionalEmbedding(7, 5)(draw(2, 8, 5)), "seq=8 .* max_len=7"),
    "shift_matrix": (lambda: reference.shift_matrix(3, 7), "d_model=7"),
    "EncoderBlock": (lambda: reference.EncoderBlock(10, 3, 7), "d_model=10 does not split into num_heads=3"),
    "noam_learning_rate": (lambda: reference.noam_learning_rate(0, 8, 10), "step=0"),
    "apply_rotary": (lambda: reference.apply_rotary(draw(2, 3, 7), torch.arange(3)), "d_head=7"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_bad_argument_raises_value_error_with_its_name_and_value(name):
    call, words = ERRORS[name]
    with pytest.raises(ValueError, match=words):
        call()


# Watching


class Diary:
    def __init__(self):
        self.lines = []

    def enter(self, name):
        self.lines.append(f"enter {name}")

    def leave(self, name):
        self.lines.append(f"leave {name}")


@pytest.fixture
def diary():
    written = Diary()
    observed.watchers.append(written)
    yield written
    observed.watchers.remove(written)


def test_watcher_is_told_of_functions_and_modules_and_of_errors(diary):
    reference.softmax(draw(3))
    layer, inputs = example("SelfAttention")
    layer(*inputs)
    with pytest.raises(ValueError):
        reference.split_heads(draw(2, 3, 10), 3)
    names = ["softmax", "SelfAttention", "split_heads"]
    assert diary.lines == [f"{what} {name}" for name in names for what in ("enter", "leave")]


def test_watcher_is_told_of_a_class_that_inherits_from_a_component(diary):
    class Own(reference.SelfAttention):
        pass

    Own(5, 7, 11)(draw(2, 3, 5, dtype=torch.float32))
    assert diary.lines == ["enter SelfAttention", "leave SelfAttention"]


def test_wrapped_components_keep_their_names_and_signatures():
    assert list(inspect.signature(reference.attention).parameters) == ["q", "k", "v", "mask"]
    assert reference.attention.__name__ == "attention" and not hasattr(reference.attention, "__wrapped__")
