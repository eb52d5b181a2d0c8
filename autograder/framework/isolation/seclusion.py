"""What an answer's process does first inside the sandbox: it shuts itself in, apart from the answers before and beside it.

It imports the standard library alone, and runs before any code of a learner. The process is forked into a namespace of its
own, gets network and folders of its own, then gives up every right to change that.
"""

import contextlib
import ctypes
import os
import select
import signal
import socket
import struct
import threading
from collections.abc import Sequence
from typing import Any, NoReturn

FOLDER_BYTES, SHARED_BYTES = 256 * 2**20, 64 * 2**20

_NEWNS, _NEWUTS, _NEWIPC, _NEWPID, _NEWNET = 0x20000, 0x4000000, 0x8000000, 0x20000000, 0x40000000
_RDONLY, _NOSUID, _NODEV, _NOEXEC, _BIND, _REC, _PRIVATE = 1, 2, 4, 8, 0x1000, 0x4000, 0x40000
_PDEATHSIG, _CAPBSET_DROP, _NO_NEW_PRIVS, _AMBIENT, _AMBIENT_CLEAR_ALL = 1, 24, 38, 47, 4
_CAPABILITIES = 64
_CAPABILITY_VERSION = 0x20080522


class Namespaces:
    """Makes a namespace of processes for each answer, by a small process that is forked before PyTorch is imported.

    The first process of a namespace cannot be killed from inside, so it is none of the learner's. Another one stays outside,
    and ends all of them as soon as the judge is gone, also where it was killed. As forks of the process that has PyTorch each of
    the two would cost as much as the answer's own fork.
    """

    def __init__(self) -> None:
        assert threading.active_count() == 1, "a fork copies no thread"
        self._line, far = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        if os.fork() == 0:
            os.closerange(0, far.fileno())
            os.closerange(far.fileno() + 1, os.sysconf("SC_OPEN_MAX"))
            _make_namespaces(far)
        far.close()

    def enter(self, judge: int) -> int:
        """Lets the next fork of this process be in a new namespace, and gives the number of its first process.

        All in it end when the other end of the socket `judge` is closed. Raises `OSError` where the machine refuses.
        """
        near, far = socket.socketpair()
        with near:
            with far:
                socket.send_fds(self._line, [b"new"], [judge, far.fileno()])
            reply, handles, _, _ = socket.recv_fds(near, 64, 1)
        if not handles:
            raise OSError(reply.decode() or "the process that makes namespaces has ended")
        try:
            libc = ctypes.CDLL(None, use_errno=True)
            _call(libc.setns, handles[0], _NEWPID)
        finally:
            os.close(handles[0])
        return int(reply)


def _make_namespaces(line: socket.socket) -> NoReturn:
    """Forks a process that makes a namespace and waits for its end, for each pair of sockets that comes through `line`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nothing has to be waited for, in a namespace neither
    try:
        while True:
            order, handles, _, _ = socket.recv_fds(line, 64, 2)
            if not order:
                os._exit(0)
            if os.fork() == 0:
                line.close()
                _make_namespace(handles[0], socket.socket(fileno=handles[1]))
            for handle in handles:
                os.close(handle)
    finally:
        os._exit(1)


def _make_namespace(judge: int, asked: socket.socket) -> NoReturn:
    """Replies with a new namespace, and waits for its end, or the judge's."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        _call(libc.unshare, _NEWPID)
        first = os.fork()
        if first == 0:
            _be_the_first(libc)
        ended = os.pidfd_open(first)
        handle = os.open(f"/proc/{first}/ns/pid", os.O_RDONLY)
        socket.send_fds(asked, [str(first).encode()], [handle])
        os.close(handle)
        asked.close()
        _wait(first, ended, judge)
    except OSError as error:
        asked.sendall(str(error).encode()[:64])
    finally:
        os._exit(0)


def _be_the_first(libc: ctypes.CDLL) -> NoReturn:
    """Does nothing: orphans come to it, and the kernel ends all others with it.

    It keeps the rights that the others give up, so none of them may look into it.
    """
    try:
        _call(libc.prctl, _PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        os.closerange(0, os.sysconf("SC_OPEN_MAX"))
        while True:
            signal.pause()
    finally:
        os._exit(0)


def _wait(first: int, ended: int, judge: int) -> None:
    """Waits for the end of the namespace's first process, or of the judge."""
    poll = select.poll()
    poll.register(ended, select.POLLIN)
    poll.register(judge, 0)  # the end of the line alone is reported, and no message
    if ended not in dict(poll.poll()):
        os.kill(first, signal.SIGKILL)  # the kernel ends all others with it
    with contextlib.suppress(ChildProcessError):  # there is nothing to be told of it
        os.waitpid(first, 0)


def seclude(folder: str, judge: int, kept: Sequence[str] = ()) -> None:
    """Shuts this process in, with an empty writable `folder`; of its open files only `judge`, the socket to the judge, is left.

    The paths `kept` lie under /tmp, which is empty but for them. Raises `OSError` where the machine refuses.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    _call(libc.unshare, _NEWNS | _NEWUTS | _NEWIPC | _NEWNET)
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


def probe(folder: str, kept: Sequence[str]) -> None:
    """Prints a line if an answer can be shut in here."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # as in the fork server
    judge, far = socket.socketpair()
    Namespaces().enter(far.fileno())
    if os.fork() == 0:
        judge.close()
        seclude(folder, far.fileno(), kept)
        far.sendall(b"in")
        os._exit(0)
    far.close()
    if judge.recv(8) == b"in":
        print("in")
