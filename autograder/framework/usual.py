"""PyTorch as a fresh session has it, while an answer is judged: a switch that a learner set elsewhere costs no points."""

import contextlib
import sys
from collections.abc import Iterator

import numpy
import torch


@contextlib.contextmanager
def usual() -> Iterator[None]:
    """Gradients on, float32 on the CPU, no autocast, no deterministic mode, one thread, nothing compiled; then all as it was."""
    deterministic = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    dtype = torch.get_default_dtype()
    with contextlib.ExitStack() as stack:
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        stack.enter_context(torch.autograd.set_detect_anomaly(False))
        stack.enter_context(numpy.errstate(all="warn"))
        if torch.get_default_device() != torch.device("cpu"):
            stack.enter_context(torch.device("cpu"))
        for device in ("cpu", "cuda"):
            if torch.is_autocast_enabled(device):
                stack.enter_context(torch.autocast(device, enabled=False))
        if "torch._dynamo" in sys.modules:  # importing it takes seconds; where nothing was compiled it is not there
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        if any(deterministic):
            torch.use_deterministic_algorithms(False)
            stack.callback(torch.use_deterministic_algorithms, deterministic[0], warn_only=deterministic[1])
        stack.callback(torch.set_num_threads, torch.get_num_threads())
        torch.set_num_threads(1)  # on the small tensors of a check a second one costs more than it gives
        torch.set_default_dtype(torch.float32)
        stack.callback(torch.set_default_dtype, dtype)
        yield
