"""What the tests need of the machine: how it is found, and what installs it."""

import pytest

from autograder.proof import machine


def program(folder, name):
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """An empty folder that is all of the PATH, on a machine without a Docker that runs."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(machine, "DOCKER_RUNS", tmp_path / "socket")
    monkeypatch.setattr(machine, "SYSTEM", str(tmp_path / "sbin"))
    (tmp_path / "sbin").mkdir()
    return tmp_path


def test_docker_is_there_when_there_is_a_client_and_a_daemon_that_runs_or_can_be_started(alone, monkeypatch):
    assert "docker.io" in machine.PACKAGES and machine.docker() is None
    client = program(alone, "docker")
    assert machine.docker() is None, "nothing would answer it"
    monkeypatch.setenv("DOCKER_HOST", "unix:///elsewhere")
    assert machine.docker() == client
    monkeypatch.delenv("DOCKER_HOST")
    machine.DOCKER_RUNS.touch()
    assert machine.docker() == client
    machine.DOCKER_RUNS.unlink()
    program(alone / "sbin", "dockerd")
    assert machine.docker() == client


def test_a_program_of_linux_is_missing_on_linux_alone(alone, monkeypatch):
    monkeypatch.setattr(machine.sys, "platform", "darwin")
    assert "docker.io" not in machine.missing()
    monkeypatch.setattr(machine.sys, "platform", "linux")
    assert "docker.io" in machine.missing()
