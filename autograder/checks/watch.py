"""What an answer may not call, and how calls, operations and memory are observed while it runs.

Two layers of PyTorch see every call: the function layer knows `F.scaled_dot_product_attention` by its name, the dispatcher
below it knows `aten::_softmax` however it was reached. Forward calls of modules are seen by a global hook, calls of the
grader's own oracles by the interpreter's profile hook. Inside an earlier component of the course (`utils.reference`)
nothing counts.
"""

import contextlib
import sys
import threading
from dataclasses import dataclass, field

import torch
from torch.multiprocessing.reductions import StorageWeakRef
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from utils.reference import observed

_SOFTMAX = {
    "softmax",
    "log_softmax",
    "_softmax",
    "_log_softmax",
    "_safe_softmax",
    "softmin",
    "gumbel_softmax",
}
_ATTENTION = {
    "scaled_dot_product_attention", "multi_head_attention_forward", "_native_multi_head_attention", "_safe_softmax",
    "_transformer_encoder_layer_fwd", "_triton_scaled_dot_attention", "_triton_multi_head_attention", "flex_attention",
}  # fmt: skip
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

FORBIDDEN = {
    None: (set(), set()),
    "softmax": (_SOFTMAX, {"Softmax", "LogSoftmax", "Softmax2d", "Softmin"} | _ATTENTION_MODULES),
    "attention": (_ATTENTION, _ATTENTION_MODULES | _BLOCK_MODULES),
    "rnn": (_RNN, _RNN_MODULES),
    "norm": (_NORM, {"LayerNorm", "RMSNorm"}),
    "blocks": (_ATTENTION, _ATTENTION_MODULES | _BLOCK_MODULES),
}
"""Key of a component -> (names of functions and dispatcher operations, names of `torch.nn` modules)."""


@dataclass
class Watch:
    """What one component's answer may not use, and what was seen of it."""

    component: str | None = None
    forbids: str | None = None
    earlier: frozenset = frozenset()
    seen: set = field(default_factory=set)
    paused: int = 0
    running: int = 0

    def enter(self, name):
        """The reference's `name` is entered: an earlier component is the course's own, any other is a short cut."""
        if not self.running:
            return
        if not self.paused and self.component is not None and name not in self.earlier:
            self.seen.add(f"utils.reference.{name}")
        self.paused += 1

    def leave(self, name):
        if self.running and self.paused:
            self.paused -= 1

    def function(self, name):
        if not self.paused and (name in FORBIDDEN[self.forbids][0] or self._fused(name)):
            self.seen.add(name)

    def _fused(self, name):
        return self.forbids in ("softmax", "attention", "blocks") and name.startswith("_scaled_dot_product")

    def module(self, module):
        kind = type(module)
        torch_module = kind.__module__.startswith("torch.nn") and kind.__name__ in FORBIDDEN[self.forbids][1]
        library = self.forbids in ("attention", "blocks") and kind.__module__.split(".")[0] == "transformers"
        if not self.paused and (torch_module or library):
            self.seen.add(f"{kind.__module__.split('.')[0]}.{kind.__name__}")


_current = Watch()
_one_at_a_time = threading.RLock()


class _Functions(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        name = getattr(function, "__name__", None)
        if isinstance(name, str):
            _current.function(name.split(".")[0])
        return function(*args, **(kwargs or {}))


class _Dispatch(TorchDispatchMode):
    """A mode of the dispatcher that nothing compiles: asking the compiler to skip it would import it, which takes two seconds."""

    @classmethod
    def _should_skip_dynamo(cls):
        return False


class _Operations(_Dispatch):
    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        _current.function(function.name().split("::")[-1].split(".")[0])
        return function(*args, **(kwargs or {}))


@contextlib.contextmanager
def watching(component, forbids, earlier):
    """Sets what counts for the answer that is judged now; yields the `Watch` whose `seen` fills up."""
    global _current
    with _one_at_a_time:
        before, _current = _current, Watch(component, forbids, frozenset(earlier))
        observed.watchers.append(_current)
        try:
            yield _current
        finally:
            observed.watchers.remove(_current)
            _current = before


def _oracles(frame, event, _):
    """Notes a call of a function `oracle_…` of a checks module: that answer is the grader's, not the learner's."""
    if event == "call" and frame.f_code.co_name.startswith("oracle_"):
        module = frame.f_globals.get("__name__", "")
        if module.startswith("autograder.") and not _current.paused:
            _current.seen.add(module)


@contextlib.contextmanager
def on():
    """The answer's own code runs inside: forbidden calls are noted."""
    hook = torch.nn.modules.module.register_module_forward_pre_hook(lambda module, _: _current.module(module))
    profile = sys.getprofile()
    sys.setprofile(_oracles)
    _current.running += 1
    try:
        with _Functions(), _Operations():
            yield
    finally:
        sys.setprofile(profile)
        _current.running -= 1
        _current.paused = 0
        hook.remove()


@dataclass
class Measurement:
    """Tensor operations of a call; the largest storage and the most live storage that it newly allocated, in elements."""

    operations: int = 0
    largest: int = 0
    peak: int = 0


class _Memory(_Dispatch):
    def __init__(self, inputs):
        super().__init__()
        self.measurement = Measurement()
        self._known = {tensor.untyped_storage().data_ptr() for tensor in inputs}
        self._live = {}

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        self.measurement.operations += 1
        for tensor in torch.utils._pytree.tree_leaves(result):
            if isinstance(tensor, torch.Tensor):
                self._note(tensor)
        return result

    def _note(self, tensor):
        storage = tensor.untyped_storage()
        self._live = {ref: size for ref, size in self._live.items() if not ref.expired()}
        if storage.nbytes() == 0 or storage.data_ptr() in self._known:
            return
        elements = storage.nbytes() // tensor.element_size()
        self._live[StorageWeakRef(storage)] = elements
        self.measurement.largest = max(self.measurement.largest, elements)
        self.measurement.peak = max(self.measurement.peak, sum(self._live.values()))


def measure(call, inputs):
    """Runs `call()` without autograd and returns its result and its `Measurement`; `inputs` are not counted."""
    with torch.no_grad(), _Memory(inputs) as mode:
        result = call()
    return result, mode.measurement
