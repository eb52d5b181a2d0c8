"""The learning rate of the paper (Vaswani et al. 2017, eq. 3)."""


def noam_learning_rate(step: int, d_model: int, warmup_steps: int) -> float:
    """A float: up in a straight line for `warmup_steps`, then down with the root of the step. Steps count from 1."""
    if step < 1:
        raise ValueError(f"step={step}: the first step is 1")
    rising = step <= warmup_steps
    return float((step / warmup_steps**1.5 if rising else 1 / step**0.5) / d_model**0.5)
