"""What an answer's process does first inside the sandbox: it shuts itself in, apart from the answers before and beside it.

It imports the standard library alone, and runs before any code of a learner. It gets processes, network, and folders of its
own, then gives up every right to change that. A small process outside stays behind and waits: it ends all of them as soon as
the judge is gone.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import sys
import threading
from collections.abc import Sequence
from typing import Any

FOLDER_BYTES, SHARED_BYTES = 256 * 2**20, 64 * 2**20

_NEWNS, _NEWUTS, _NEWIPC, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS, _AMBIENT, _AMBIENT_CLEAR_ALL = 1, 24, 38, 47, 4
_CAPABILITIES = 64
_CAPABILITY_VERSION = 0x20080522


def seclude(folder: str, judge: int, kept: Sequence[str] = ()) -> None:
    """Returns in a process that is shut in, with an empty writable `folder`, and of whose open files only `judge` is left.

    The paths `kept` lie under /tmp, which is empty but for them. `judge` is the socket to the judge. The caller itself never
    returns: it waits for that process, and ends it when the other end of the socket is closed, also where the judge was
    killed. Raises `OSError` where the machine refuses.
    """
    assert threading.active_count() == 1, "a fork copies no thread"
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.unshare, _NEWNS | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET)
    first = os.fork()
    if first:
        _wait(first, judge)
    _call(libc.prctl, _PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    _mount(libc, b"none", b"/", None, _REC | _PRIVATE, None)
    _mount(libc, b"proc", b"/proc", b"proc", _RDONLY | _NOSUID | _NODEV | _NOEXEC, None)
    handles = [os.open(path, os.O_PATH) for path in kept]
    for place, most in ((folder, FOLDER_BYTES), ("/tmp", SHARED_BYTES), ("/dev/shm", SHARED_BYTES)):
        _mount(libc, b"tmpfs", os.fsencode(place), b"tmpfs", _NOSUID | _NODEV, b"mode=0700,size=%d,nr_inodes=20000" % most)
    for path, handle in zip(kept, handles, strict=True):
        os.makedirs(path) if os.path.isdir(f"/proc/self/fd/{handle}") else _touch(path)
        _mount(libc, f"/proc/self/fd/{handle}".encode(), os.fsencode(path), None, _BIND | _REC, None)
    _give_up_rights(libc)
    os.closerange(3, judge)
    os.closerange(judge + 1, os.sysconf("SC_OPEN_MAX"))
    if os.fork():  # the first process of a namespace cannot be killed from inside, so it is none of the learner's
        os.close(judge)
        _reap()


def _touch(path: str) -> None:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.close(os.open(path, os.O_CREAT))


def _call(function: Any, *arguments: object) -> None:
    if function(*arguments) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function.__name__}: {os.strerror(error)}")


def _mount(libc: ctypes.CDLL, what: bytes, where: bytes, kind: bytes | None, flags: int, data: bytes | None) -> None:
    if libc.mount(what, where, kind, ctypes.c_ulong(flags), data) != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"mount {os.fsdecode(where)}: {os.strerror(error)}")


def _give_up_rights(libc: ctypes.CDLL) -> None:
    libc.prctl(_AMBIENT, _AMBIENT_CLEAR_ALL, 0, 0, 0)
    for capability in range(_CAPABILITIES):  # past the kernel's last one this is refused, and nothing is lost
        libc.prctl(_CAPBSET_DROP, capability, 0, 0, 0)
    _call(libc.prctl, _NO_NEW_PRIVS, 1, 0, 0, 0)
    header = struct.pack("<Ii", _CAPABILITY_VERSION, 0)
    _call(libc.capset, header, bytes(24))


def _wait(first: int, judge: int) -> None:
    """Waits for the end of the namespace's first process, or of the judge, and leaves."""
    ended, poll = os.pidfd_open(first), select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(judge, 0)  # the end of the line alone is reported, and no message
    if ended not in dict(poll.poll()):
        os.kill(first, signal.SIGKILL)  # the kernel ends all others with it
    os.waitpid(first, 0)
    os._exit(0)


def _reap() -> None:
    """Waits for all that ends inside, and leaves after the last."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    os._exit(0)


def probe(folder: str, kept: Sequence[str]) -> None:
    """Prints a line if an answer can be shut in here."""
    sys.stdout.flush()
    judge, far = socket.socketpair()
    if os.fork() == 0:
        judge.close()
        seclude(folder, far.fileno(), kept)
        far.sendall(b"in")
        os._exit(0)
    far.close()
    if judge.recv(8) == b"in":
        print("in")
