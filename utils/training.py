"""The training loop of the experiments: a budget in steps, one seed, a progress bar, the losses handed back."""

import statistics
import time

import torch
from tqdm.auto import tqdm


def train(model, batches, loss, steps, lr=1e-3, seed=0, schedule=None, label="training"):
    """Trains `model` in place with Adam for `steps` and returns the losses, a list of floats.

    `batches(step, generator)` makes a batch from a generator seeded with `seed`; `loss(model, batch)` is a scalar;
    `schedule(step)`, from step 0, multiplies `lr`. PyTorch's own generator (dropout) is seeded with `seed` as well. The
    model ends in the mode, training or not, that it came in. `TQDM_DISABLE=1` hides the bar.
    """
    generator = torch.Generator().manual_seed(seed)
    torch.manual_seed(seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=lr)
    was_training = model.training
    model.train()
    history = []
    with tqdm(range(steps), desc=label, leave=False) as bar:
        for step in bar:
            if schedule is not None:
                optimiser.param_groups[0]["lr"] = lr * schedule(step)
            value = loss(model, batches(step, generator))
            optimiser.zero_grad()
            value.backward()
            optimiser.step()
            history.append(value.item())
            if step % 20 == 0:
                bar.set_postfix(loss=f"{history[-1]:.3f}", refresh=False)
    model.train(was_training)
    return history


def timed(call, repeats=5):
    """Median seconds of `call()` over `repeats` runs, after one that does not count."""
    call()
    return statistics.median(_seconds(call) for _ in range(repeats))


def count_parameters(model):
    """How many numbers the model can learn."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)


def _seconds(call):
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
