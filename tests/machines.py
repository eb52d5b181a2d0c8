"""Machines that share nothing: processes with a network, a process table and folders of their own, joined by a cable each.

Made of Linux's namespaces, so they end with their processes and leave nothing behind.
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

NETWORK = "10.0.0"  # that of docs/large-classes.md; it exists in the namespaces alone
_SWITCH = """
ip link set lo up
ip link add switch type bridge
ip address add "$1/24" dev switch
ip link set switch up
echo up
exec cat  # ends with its input, the process that made it
"""
# $1 the machine's own folder, $2 what it does not see, $3 its address; then its command.
_ALONE = """
mount --bind "$1" /mnt
mount -t tmpfs none "$2"
mount -t tmpfs none /dev/shm
mkdir -p "$1"
mount --move /mnt "$1"
mount -o remount,bind,ro /
ip link set lo up
echo ready
read plugged
ip address add "$3/24" dev eth0
ip link set eth0 up
cd "$1"
shift 3
exec "$@"
"""
_NAMESPACES = ("--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


class Machines:
    """Machines on one switch, which see nothing of the folder `hidden` but one of their own in it, and read the rest alone."""

    def __init__(self, hidden: Path) -> None:
        self._hidden, self._all = hidden, []
        self._switch = self._start("unshare", "--net", "sh", "-ec", _SWITCH, "switch", self.address(254))

    @staticmethod
    def why_not() -> str | None:
        """Why there can be none here, None where there can."""
        if sys.platform != "linux" or any(shutil.which(name) is None for name in ("unshare", "nsenter", "ip")):
            return "machines of their own need Linux with util-linux and iproute2"
        line = ["unshare", *_NAMESPACES, "sh", "-ec", "ip link add switch type bridge; mount -t tmpfs none /mnt"]
        tried = subprocess.run(line, capture_output=True, text=True)
        return f"this user may not make network and mount namespaces: {tried.stderr.strip()}" if tried.returncode else None

    @staticmethod
    def address(number: int) -> str:
        """The address of a machine, which are counted from 1."""
        return f"{NETWORK}.{number}"

    def start(self, folder: Path, environment: Mapping[str, str], *command: str) -> subprocess.Popen:
        """The next machine: `folder` is its own, and the home and the working folder of `command`."""
        number = len(self._all)
        own = {**environment, "HOME": str(folder), "TMPDIR": str(folder)}
        named = ["machine", str(folder), str(self._hidden), self.address(number)]
        made = self._start("unshare", *_NAMESPACES, "sh", "-ec", _ALONE, *named, *command, environment=own)
        cable = ["ip", "link", "add", f"cable{number}", "type", "veth", "peer", "name", "eth0", "netns", str(made.pid)]
        subprocess.run([*self.beside(), *cable], check=True)
        subprocess.run([*self.beside(), "ip", "link", "set", f"cable{number}", "master", "switch", "up"], check=True)
        made.stdin.write(b"plugged\n")
        made.stdin.flush()
        return made

    def beside(self) -> list[str]:
        """What a command line begins with that sees this machine's folders and is on the switch."""
        return ["nsenter", f"--net=/proc/{self._switch.pid}/ns/net"]

    def _start(self, *line: str, environment: Mapping[str, str] | None = None) -> subprocess.Popen:
        pipe = subprocess.PIPE
        process = subprocess.Popen(line, env=environment, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL)
        self._all.append(process)
        assert process.stdout.readline(), f"{line} ended at once"
        return process

    def close(self) -> None:
        """Ends all of them."""
        for process in reversed(self._all):
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()
