"""While an answer is judged PyTorch is as in a fresh session; afterwards it is as the learner left it."""

import warnings

import pytest
import torch

from autograder.framework.usual import usual


def state():
    return {
        "gradients": torch.is_grad_enabled(),
        "inference": torch.is_inference_mode_enabled(),
        "dtype": torch.get_default_dtype(),
        "device": torch.get_default_device(),
        "deterministic": torch.are_deterministic_algorithms_enabled(),
        "warn only": torch.is_deterministic_algorithms_warn_only_enabled(),
        "anomaly": torch.is_anomaly_enabled(),
        "autocast": torch.is_autocast_enabled("cpu"),
        "threads": torch.get_num_threads(),
    }


FRESH = {
    "gradients": True, "inference": False, "dtype": torch.float32, "device": torch.device("cpu"), "deterministic": False,
    "warn only": False, "anomaly": False, "autocast": False, "threads": 1,
}  # fmt: skip


@pytest.fixture
def undone():
    """Whatever the test switches is switched back."""
    before, threads = torch.get_default_dtype(), torch.get_num_threads()
    yield
    torch.set_num_threads(threads)
    torch.set_grad_enabled(True)
    torch.set_default_dtype(before)
    torch.set_default_device(None)
    torch.use_deterministic_algorithms(False)
    torch.autograd.set_detect_anomaly(False)
    torch.set_autocast_enabled("cpu", False)


@pytest.mark.parametrize("switch", [
    lambda: None,
    lambda: torch.set_grad_enabled(False),
    lambda: torch.set_default_dtype(torch.float64),
    lambda: torch.set_default_dtype(torch.bfloat16),
    lambda: torch.set_default_device("meta"),
    lambda: torch.use_deterministic_algorithms(True),
    lambda: torch.use_deterministic_algorithms(True, warn_only=True),
    lambda: torch.autograd.set_detect_anomaly(True),
    lambda: torch.set_autocast_enabled("cpu", True),
    lambda: torch.set_num_threads(2),
])  # fmt: skip
def test_each_switch_is_usual_inside_and_as_it_was_outside(undone, switch):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        switch()
        before = state()
        with usual():
            assert state() == FRESH
            assert torch.ones(2).device.type == "cpu" and torch.ones(2).dtype is torch.float32
        assert state() == before
        with pytest.raises(ZeroDivisionError), usual():
            raise ZeroDivisionError
        assert state() == before


def test_inference_mode_around_a_check_is_left_for_it():
    with torch.inference_mode():
        with usual():
            x = torch.ones(1, requires_grad=True)
            (x * x).backward()
            assert x.grad.item() == 2.0
        assert torch.is_inference_mode_enabled()
