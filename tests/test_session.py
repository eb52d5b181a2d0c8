"""The session knows where it runs, and training keeps to its seed and its budget."""

import os
import random
import subprocess
import sys

import numpy
import pytest
import torch

from utils import session, training
from utils.manifest import ROOT


@pytest.mark.parametrize("grading, building", [("autograde", None), (None, "1"), (None, None)])
def test_session_follows_the_environment(monkeypatch, grading, building):
    for name, value in (("NBGRADER_EXECUTION", grading), ("COURSE_BUILD", building)):
        monkeypatch.delenv(name, raising=False) if value is None else monkeypatch.setenv(name, value)
    assert session.grading() == bool(grading)
    assert session.building() == bool(building)
    assert session.training_allowed() != session.grading()
    assert not session.widgets_work()  # no kernel here


def test_starting_a_notebook_takes_one_thread_and_importing_does_nothing(tmp_path):
    code = (
        "import sys, torch; before = torch.get_num_threads(), list(sys.path); import autograder, utils\n"
        "assert (torch.get_num_threads(), list(sys.path)) == before\n"
        "autograder.start(); print(torch.get_num_threads(), sys.path[0], sys.path[-1] in ('', sys.argv[1]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)} | {name: "2" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=tmp_path, capture_output=True, text=True, env=environment, timeout=120
    )
    assert done.stdout.split() == ["1", str(ROOT), "True"], done.stderr


def test_seed_everything_seeds_all_three_generators():
    def draws():
        session.seed_everything(7)
        return random.random(), numpy.random.rand(), torch.rand(1).item()

    assert draws() == draws()


def fit(steps=200, **options):
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Dropout(0.0))

    def batches(step, generator):
        x = torch.randn(16, 3, generator=generator)
        return x, x.sum(-1, keepdim=True)

    def loss(model, batch):
        assert model.training
        return (model(batch[0]) - batch[1]).square().mean()

    return model.eval(), training.train(model, batches, loss, steps, lr=0.05, **options)


def test_training_learns_within_its_steps_and_hands_the_losses_back():
    model, history = fit()
    assert len(history) == 200 and all(isinstance(value, float) for value in history)
    assert history[-1] < history[0] / 100
    assert not model.training  # as it came in


def test_training_depends_on_the_seed_alone():
    assert fit(seed=3)[1] == fit(seed=3)[1] != fit(seed=4)[1]


def test_schedule_multiplies_the_rate():
    _, history = fit(schedule=lambda step: 0.0)
    frozen, _ = fit(steps=0)
    moved, _ = fit(schedule=lambda step: 0.0)
    assert torch.equal(frozen[0].weight, moved[0].weight) and len(history) == 200


def test_counting_and_timing():
    model, _ = fit(steps=0)
    assert training.count_parameters(model) == 4
    calls = []
    assert training.timed(lambda: calls.append(1), repeats=3) >= 0.0
    assert len(calls) == 4
