"""How fast this machine is now: a budget in CPU seconds means those of one that nothing slows down.

A virtual machine whose host is busy counts twice the CPU seconds for the same work.
"""

import statistics
import time

import torch

USUAL = 0.045  # CPU seconds of `_work` on a laptop core that nothing slows down
TIMES = 3


def slowness() -> float:
    """How many of this machine's CPU seconds are one of the budget's; at least 1, so that a fast machine lends nothing."""
    return max(1.0, statistics.median(_seconds() for _ in range(TIMES)) / USUAL)


def _seconds() -> float:
    before = time.process_time()
    _work()
    return time.process_time() - before


def _work() -> int:
    """Python and small tensors in one thread, like a notebook that trains."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        matrix, total = torch.full((64, 64), 1 / 64), 0
        for number in range(20_000):
            total += number % 7
            matrix = (matrix @ matrix).relu_() if number % 4 == 0 else matrix
            total += sum(range(20))
        return total
    finally:
        torch.set_num_threads(threads)
