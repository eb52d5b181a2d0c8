"""PyTorch as a fresh session has it, while an answer is judged: a switch that a learner set elsewhere costs no points."""

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy
import torch

_CPU = torch.device("cpu")


def _deterministic() -> tuple[bool, bool]:
    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_deterministic(state: tuple[bool, bool]) -> None:
    torch.use_deterministic_algorithms(state[0], warn_only=state[1])


_FRESH: tuple[tuple[Callable[[], Any], Callable[[Any], object], Any], ...] = (
    (torch.is_grad_enabled, torch.set_grad_enabled, True),
    (torch.is_anomaly_enabled, torch.autograd.set_detect_anomaly, False),
    (lambda: torch.is_autocast_enabled("cpu"), lambda on: torch.set_autocast_enabled("cpu", on), False),
    (lambda: torch.is_autocast_enabled("cuda"), lambda on: torch.set_autocast_enabled("cuda", on), False),
    (_deterministic, _set_deterministic, (False, False)),
    (torch.get_num_threads, torch.set_num_threads, 1),  # on the small tensors of a check a second one costs more than it gives
    (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
    (
        numpy.geterr,
        lambda errors: numpy.seterr(**errors),
        {**dict.fromkeys(("divide", "over", "invalid"), "warn"), "under": "ignore"},
    ),
)
"""(how a switch is read, how it is set, how it is in a fresh session). It is set where it is otherwise: that is seldom."""


_USUAL = [fresh for _, _, fresh in _FRESH]


def _read() -> list:
    return [read() for read, _, _ in _FRESH]


def _set(wanted: list, found: list) -> None:
    for (_, switch, _), value, there in zip(_FRESH, wanted, found, strict=True):
        if value != there:
            switch(value)


@contextlib.contextmanager
def usual() -> Iterator[None]:
    """Gradients on, float32 on the CPU, no autocast, no deterministic mode, one thread, nothing compiled; then all as it was."""
    with contextlib.ExitStack() as stack:
        if torch.is_inference_mode_enabled():
            stack.enter_context(torch.inference_mode(False))
        if torch.get_default_device() != _CPU:
            stack.enter_context(_CPU)
        if "torch._dynamo" in sys.modules:  # importing it takes seconds; where nothing was compiled it is not there
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        before = _read()
        try:
            if before != _USUAL:
                _set(_USUAL, before)
            yield
        finally:
            after = _read()
            if after != before:
                _set(before, after)
