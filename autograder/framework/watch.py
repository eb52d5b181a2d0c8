"""What an answer may not call, and how calls, operations and memory are observed while it runs.

PyTorch's dispatcher reports `aten::_softmax` however it was reached; a function of PyTorch's that is written in Python, as
`F.multi_head_attention_forward` is, is seen on the stack of the operations that it is made of. Forward calls of modules are seen
by a global hook. The course's own components and the oracles of the checks report their calls; inside an earlier component
nothing counts.
"""

import contextlib
import linecache
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from types import FrameType
from typing import Any

import torch
from torch.library import Library, fallthrough_kernel
from torch.multiprocessing.reductions import StorageWeakRef
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from autograder.framework.happening import OURS as _OURS
from utils.reference import observed

_SOFTMAX = {
    "softmax",
    "log_softmax",
    "_softmax",
    "_log_softmax",
    "_safe_softmax",
    "_masked_softmax",
    "_sparse_softmax",
    "_sparse_log_softmax",
    "softmin",
    "gumbel_softmax",
}
_ATTENTION = {
    "scaled_dot_product_attention", "multi_head_attention_forward", "_native_multi_head_attention", "_safe_softmax",
    "_transformer_encoder_layer_fwd", "_triton_scaled_dot_attention", "_triton_multi_head_attention", "flex_attention",
}  # fmt: skip
_FUSED = "_scaled_dot_product"
_WHOLE_LAYERS = {"multi_head_attention_forward", "_native_multi_head_attention", "_transformer_encoder_layer_fwd"}
_RNN = {
    "rnn_tanh", "rnn_relu", "lstm", "gru", "rnn_tanh_cell", "rnn_relu_cell", "lstm_cell", "gru_cell", "quantized_lstm",
    "mkldnn_rnn_layer", "_cudnn_rnn", "_thnn_fused_lstm_cell", "_thnn_fused_gru_cell", "miopen_rnn",
}  # fmt: skip
_NORM = {"layer_norm", "native_layer_norm", "rms_norm", "_fused_rms_norm"}
_ATTENTION_MODULES = {"MultiheadAttention"}
_RNN_MODULES = {"RNN", "LSTM", "GRU", "RNNCell", "LSTMCell", "GRUCell"}
_BLOCK_MODULES = {
    "Transformer", "TransformerEncoder", "TransformerDecoder", "TransformerEncoderLayer", "TransformerDecoderLayer",
}  # fmt: skip

FORBIDDEN: dict[str | None, tuple[set[str], set[str]]] = {
    None: (set(), set()),
    "softmax": (_SOFTMAX, {"Softmax", "LogSoftmax", "Softmax2d", "Softmin"} | _ATTENTION_MODULES),
    "attention": (_ATTENTION, _ATTENTION_MODULES | _BLOCK_MODULES),
    "rnn": (_RNN, _RNN_MODULES),
    "norm": (_NORM, {"LayerNorm", "RMSNorm"}),
    "unfold": ({"im2col"}, {"Unfold"}),  # what `F.unfold` runs on; `Tensor.unfold`, a view, is something else
    "blocks": (_WHOLE_LAYERS, _ATTENTION_MODULES | _BLOCK_MODULES),
    "smoothing": (set(), set()),  # of `cross_entropy` one argument alone, see `Watch.operation`
}
"""Key of a component -> (names of functions and dispatcher operations, names of `torch.nn` modules)."""


@dataclass
class Watch:
    """What one component's answer may not use, and what was seen of it."""

    component: str | None = None
    forbids: str | None = None
    earlier: frozenset = frozenset()
    seen: dict[str, str | None] = field(default_factory=dict)  # what was called -> the learner's line that did it
    changed: bool = False
    trusted: bool = False  # the course's own code: nothing of it is noted
    paused: int = 0
    running: int = 0

    def note(self, name: str) -> None:
        """Remembers a forbidden call with the line of the learner's code that made it."""
        if name not in self.seen:
            self.seen[name] = learners_line()

    def told(self) -> list[str]:
        """What was called, in the learner's words: their line, else PyTorch's public name."""
        public = {name: line for name, line in self.seen.items() if not name.startswith("_")} or self.seen
        return sorted({f"`{line}`" if line else name.lstrip("_") for name, line in public.items()})

    def enter(self, name: str) -> None:
        """The reference's `name` is entered: an earlier component is the course's own, any other is a short cut."""
        if not self.running:
            return
        if not self.paused and self.component is not None and name not in self.earlier:
            self.note(f"utils.reference.{name}")
        self.paused += 1

    def leave(self, name: str) -> None:
        if self.running and self.paused:
            self.paused -= 1

    @property
    def idle(self) -> bool:
        """Whether no call of PyTorch's is forbidden."""
        return self.forbids != "smoothing" and not any(FORBIDDEN[self.forbids])

    def operation(self, name: str, args: Sequence, kwargs: dict) -> None:
        """An operation of PyTorch's was called: itself, or what a function of `torch.nn` that is written in Python is made of."""
        if self.paused:
            return
        if self.forbids == "smoothing":  # of cross-entropy one argument alone: with it, it is what is to be built
            smoothing = kwargs.get("label_smoothing", args[5] if len(args) > 5 else 0.0)
            if name == "cross_entropy_loss" and smoothing:
                self.note(f"cross_entropy(label_smoothing={smoothing})")
            return
        for called in (name, *_pytorchs_callers()):
            if _forbidden(self.forbids, called):
                self.note(called)

    def module(self, module: torch.nn.Module) -> None:
        kind = type(module)
        torch_module = kind.__module__.startswith("torch.nn") and kind.__name__ in FORBIDDEN[self.forbids][1]
        library = self.forbids in ("attention", "blocks") and kind.__module__.split(".")[0] == "transformers"
        if not self.paused and (torch_module or library):
            self.note(f"{kind.__module__.split('.')[0]}.{kind.__name__}")


@cache
def _forbidden(forbids: str | None, name: str) -> bool:
    fused = forbids in ("softmax", "attention") and name.startswith(_FUSED)
    return fused or name in FORBIDDEN[forbids][0]


def _pytorchs_callers() -> Iterator[str]:
    """The names of PyTorch's own functions between the learner's code and the operation that is reported now."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    while frame is not None and str(frame.f_globals.get("__name__")).partition(".")[0] == "torch":
        yield frame.f_code.co_name
        frame = frame.f_back


_current = Watch()
one_at_a_time = threading.RLock()
"""Held by whoever watches a call: what is judged in several threads takes turns in one process."""


def note_change() -> None:
    """The answer that is judged now wrote to one of its inputs."""
    _current.changed = True


def learners_line() -> str | None:
    """The text of the innermost line on the stack that is neither ours nor a library's, or None."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if not (name.startswith((*_OURS, "<frozen")) or "site-packages" in name):
            return linecache.getline(name, frame.f_lineno).strip() or None
        frame = frame.f_back
    return None


class Dispatch(TorchDispatchMode):
    """A mode of the dispatcher that nothing compiles: asking the compiler to skip it would import it, which takes two seconds."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


_KEY = torch._C.DispatchKey.AutocastIPU  # type: ignore[attr-defined]  # which PyTorch's stub leaves out
"""A key of the dispatcher that no tensor of ours has, and that comes before what an operation is made of.

Where it is switched on, a forbidden operation runs `_reported` first, however it was reached, and any other operation runs as
it would. A mode, which sees every operation, makes small ones six times as slow.
"""


@cache
def _install() -> list[Library]:
    """Has forbidden operations reported wherever `_KEY` is on; what it returns keeps that up."""
    others, reports = Library("_", "IMPL"), Library("aten", "IMPL")
    others.fallback(fallthrough_kernel, _KEY.name)
    torch._ops._HIGHER_ORDER_OP_DEFAULT_FALLTHROUGH_DISPATCH_KEYS.append(_KEY)
    for operator in torch._ops._higher_order_ops.values():
        operator.fallthrough(_KEY)
    names = {name for functions, _ in FORBIDDEN.values() for name in functions} | {"cross_entropy_loss"}
    for full in torch._C._dispatch_get_all_op_names():
        space, _, name = full.partition("::")
        name, _, overload = name.partition(".")
        if space == "aten" and (name in names or name.startswith(_FUSED)):
            operation = getattr(getattr(torch.ops.aten, name), overload or "default")
            reports.impl(operation, partial(_reported, name, operation), _KEY.name, with_keyset=True)
    return [others, reports]


def _reported(name: str, operation: Any, keys: Any, *args: Any, **kwargs: Any) -> Any:
    _current.operation(name, args, kwargs)
    return operation.redispatch(keys & torch._C._dispatch_keyset_full_after(_KEY), *args, **kwargs)


@contextlib.contextmanager
def _reporting() -> Iterator[None]:
    """Inside, forbidden operations of this thread are reported."""
    _install()
    was_excluded = torch._C._dispatch_tls_is_dispatch_key_excluded(_KEY)
    was_included = torch._C._dispatch_tls_is_dispatch_key_included(_KEY)
    torch._C._dispatch_tls_set_dispatch_key_excluded(_KEY, False)
    torch._C._dispatch_tls_set_dispatch_key_included(_KEY, True)
    try:
        yield
    finally:
        torch._C._dispatch_tls_set_dispatch_key_included(_KEY, was_included)
        torch._C._dispatch_tls_set_dispatch_key_excluded(_KEY, was_excluded)


@contextlib.contextmanager
def watching(component: str | None, forbids: str | None, earlier: Iterable[str], trusted: bool = False) -> Iterator[Watch]:
    """Sets what counts for the answer that is judged now; yields the `Watch` whose `seen` fills up."""
    global _current
    with one_at_a_time:
        before, _current = _current, Watch(component, forbids, frozenset(earlier), trusted=trusted)
        observed.watchers.append(_current)
        try:
            yield _current
        finally:
            observed.watchers.remove(_current)
            _current = before


@contextlib.contextmanager
def on() -> Iterator[None]:
    """The answer's own code runs inside: forbidden calls are noted."""
    if _current.trusted:
        yield
        return
    if _current.idle:
        _current.running += 1
        try:
            yield
        finally:
            _current.running -= 1
            _current.paused = 0
        return
    hook = torch.nn.modules.module.register_module_forward_pre_hook(lambda module, _: _current.module(module))
    _current.running += 1
    try:
        with _reporting():
            yield
    finally:
        _current.running -= 1
        _current.paused = 0
        hook.remove()


@dataclass
class Measurement:
    """Tensor operations of a call; the largest storage and the most live storage that it newly allocated, in elements."""

    operations: int = 0
    largest: int = 0
    peak: int = 0


class _Memory(Dispatch):
    """Counts in plain numbers: this runs after each operation, of which a measured use has a thousand."""

    def __init__(self, inputs: Iterable[torch.Tensor]):
        super().__init__()
        self._known = {tensor.untyped_storage().data_ptr() for tensor in inputs}
        self._live: dict[int, tuple[StorageWeakRef, int]] = {}  # by where a storage is: it, and its elements
        self._operations = self._largest = self._peak = 0
        self._most = 0  # of all in `_live`: some may have ended meanwhile

    @property
    def measurement(self) -> Measurement:
        """What was seen until now."""
        return Measurement(self._operations, self._largest, self._peak)

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: dict | None = None) -> Any:
        result = function(*args, **kwargs) if kwargs else function(*args)
        self._operations += 1
        if function.is_view:
            return result
        if isinstance(result, torch.Tensor):
            self._note(result)
        else:
            for tensor in tree_leaves(result):
                if isinstance(tensor, torch.Tensor):
                    self._note(tensor)
        return result

    def _note(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        bytes_taken = storage.nbytes()
        if bytes_taken == 0 or storage.data_ptr() in self._known:
            return
        place, elements = storage._cdata, bytes_taken // tensor.element_size()
        there = self._live[place][1] if place in self._live else 0
        if there == elements:  # a view: nothing has grown
            return
        self._live[place] = StorageWeakRef(storage), elements  # which keeps its place taken
        self._most += elements - there
        if self._most > self._peak:  # perhaps a new peak: who still lives is counted only then
            self._live = {place: found for place, found in self._live.items() if not _ended(found[0].cdata)}
            self._most = sum(size for _, size in self._live.values())
            self._peak = max(self._peak, self._most)
        self._largest = max(self._largest, elements)


_ended: Any = torch.UntypedStorage._expired  # of a weak reference's number


def measure(call: Callable[[], Any], inputs: Iterable[torch.Tensor]) -> tuple[Any, Measurement]:
    """Runs `call()` without autograd and returns its result and its `Measurement`; `inputs` are not counted."""
    with torch.no_grad(), _Memory(inputs) as mode:
        result = call()
    return result, mode.measurement
