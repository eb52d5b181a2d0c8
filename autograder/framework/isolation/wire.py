"""Messages between judge and answer: JSON with tensors beside it in safetensors, never pickle.

A message is eight bytes (the length of the JSON), the JSON, and a safetensors file with the tensors that the JSON refers
to by number.
"""

import json
import re
import struct
from typing import Any

import safetensors
import torch

from autograder.framework.expect import Other

_HEAD = struct.Struct("<Q")
_MOST_BYTES = 256 * 2**20
_MOST_THINGS = 1_000_000  # of a message's JSON: an empty list of two bytes is one of 56 in memory
_MOST_HEADER = 4 * 2**20  # bytes of safetensors' own head, where a tensor takes about 70
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_DEPTH = 20
_DTYPES = {
    "F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16, "BOOL": torch.bool,
    "I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8,
}  # fmt: skip


class WireError(ValueError):
    """The other side sent something that is not a message."""


def pack(message: object) -> bytes:
    """`message`, a nest of plain values and tensors, as bytes. What is neither travels as an `Other` with its type's name."""
    tensors: dict[str, torch.Tensor] = {}
    body = json.dumps(_down(message, tensors, 0)).encode()
    # By safetensors' core: for tensors as small as these its part for PyTorch takes ten times as long.
    specs = {
        name: safetensors.TensorSpec(
            dtype=str(x.dtype).removeprefix("torch."), shape=list(x.shape), data_ptr=x.data_ptr(), data_len=x.nbytes
        )
        for name, x in tensors.items()
    }
    data = safetensors.serialize(specs) if specs else b""
    return _HEAD.pack(len(body)) + body + data


def unpack(data: bytes) -> Any:
    """The message of `pack`. Raises `WireError`."""
    if len(data) > _MOST_BYTES:
        raise WireError(f"a message of {len(data):,} bytes: at most {_MOST_BYTES:,} are read")
    try:
        (length,) = _HEAD.unpack_from(data)
        body = json.loads(_bounded(data[_HEAD.size : _HEAD.size + length]))
        rest = data[_HEAD.size + length :]
        if rest and _HEAD.unpack_from(rest)[0] > _MOST_HEADER:
            raise WireError("a message of too many tensors")
        tensors = {name: _tensor(entry) for name, entry in safetensors.deserialize(rest)} if rest else {}
        return _up(body, tensors)
    except (
        struct.error,
        ValueError,
        KeyError,
        TypeError,
        RecursionError,
        RuntimeError,
        safetensors.SafetensorError,
    ) as error:
        raise WireError(f"no valid message: {type(error).__name__}") from None


def _bounded(body: bytes) -> bytes:
    """The JSON as it is. Raises `WireError` where it holds more than can be read."""
    if body.count(b",") > _MOST_THINGS and _STRING.sub(b"", body).count(b",") > _MOST_THINGS:
        raise WireError(f"a message of more than {_MOST_THINGS:,} things")
    return body


def as_tensor(data: bytes) -> torch.Tensor:
    """Bytes in the form in which they go through the pipe; an empty file stays empty."""
    return torch.frombuffer(bytearray(data), dtype=torch.uint8) if data else torch.zeros(0, dtype=torch.uint8)


def as_bytes(tensor: object) -> bytes:
    """The bytes of `as_tensor`. Raises `WireError`."""
    if not isinstance(tensor, torch.Tensor) or tensor.dtype != torch.uint8 or tensor.dim() != 1:
        raise WireError("no bytes")
    return tensor.numpy().tobytes()


def _tensor(entry: dict) -> torch.Tensor:
    dtype, shape, data = _DTYPES[entry["dtype"]], entry["shape"], entry["data"]
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if data else torch.empty(shape, dtype=dtype)


def _down(value: object, tensors: dict[str, torch.Tensor], depth: int) -> object:
    if depth > _DEPTH:
        return {"$": "other", "kind": "nest", "text": f"deeper than {_DEPTH}"}
    if value is None or isinstance(value, (bool, str)) or type(value) in (int, float):
        return value
    if isinstance(value, torch.Tensor) and value.dtype in _DTYPES.values() and value.layout == torch.strided:
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous()
        return {"$": "tensor", "name": name}
    if isinstance(value, torch.dtype):
        return {"$": "dtype", "name": str(value).removeprefix("torch.")}
    if isinstance(value, Other):
        return {"$": "other", "kind": value.kind, "text": value.text}
    if isinstance(value, (list, tuple)):
        return {"$": type(value).__name__ if type(value) in (list, tuple) else "tuple",
                "items": [_down(entry, tensors, depth + 1) for entry in value]}  # fmt: skip
    if isinstance(value, dict):
        return {
            "$": "dict",
            "items": [[str(key), _down(entry, tensors, depth + 1)] for key, entry in value.items()],
        }
    return {"$": "other", "kind": _kind(value), "text": ""}


def _kind(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def _up(value: Any, tensors: dict[str, torch.Tensor]) -> Any:
    if isinstance(value, str):
        return _whole(value)
    if not isinstance(value, dict):
        return value
    kind = value["$"]
    if kind == "tensor":
        return tensors[value["name"]]
    if kind == "dtype":
        found = getattr(torch, value["name"], None)
        if not isinstance(found, torch.dtype):
            raise ValueError(kind)
        return found
    if kind == "other":
        return Other(_whole(str(value["kind"])[:80]), _whole(str(value["text"])[:200]))
    if kind == "list":
        return [_up(entry, tensors) for entry in value["items"]]
    if kind == "tuple":
        return tuple(_up(entry, tensors) for entry in value["items"])
    if kind == "dict":
        return {_whole(str(key)): _up(entry, tensors) for key, entry in value["items"]}
    raise ValueError(kind)


def _whole(text: str) -> str:
    """The text with halves of surrogate pairs, which no file and no terminal takes, exchanged for a question mark."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()
