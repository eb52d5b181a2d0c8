"""Processes as the system lists them: what they have started, and what they take."""

from __future__ import annotations

import contextlib
from pathlib import Path

import psutil


def taken(family: list[psutil.Process], which: str) -> int:
    """Bytes of memory that processes have taken; where the system does not say "pss", "rss" stands for it."""
    total = 0
    for each in family:
        with contextlib.suppress(psutil.Error):
            if which == "rss":
                total += each.memory_info().rss
            else:
                found = each.memory_full_info()
                total += getattr(found, which, found.rss)
    return total


def children_of(process: psutil.Process) -> list[psutil.Process]:
    """What a process has started. Linux lists it; psutil looks at all processes of the machine, which takes longer."""
    try:
        lists = [path.read_text(encoding="ascii") for path in Path(f"/proc/{process.pid}/task").glob("*/children")]
    except OSError:
        lists = []
    found = []
    if not lists:
        with contextlib.suppress(psutil.Error):
            found = process.children()
    for number in " ".join(lists).split():
        with contextlib.suppress(psutil.Error):
            found.append(psutil.Process(int(number)))
    return found


def number_inside(process: psutil.Process) -> int | None:
    """The number of a process in its own namespace of processes."""
    with contextlib.suppress(OSError):
        # The learner's code chooses the name of a process, which stands in the first line.
        for line in Path(f"/proc/{process.pid}/status").read_bytes().split(b"\n")[1:]:
            if line.startswith(b"NSpid:"):
                return int(line.split()[-1])
    return None
