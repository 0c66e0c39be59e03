"""Where ffmpeg and ffprobe run: without network, and seeing nothing but what they work on.

bubblewrap makes a file system in which there are the system's programs and libraries, read-only,
the master, read-only, and the private folder. There is no network in it, no other process, and no
capability. Without bubblewrap, or where it may not be used, the limits of `process` hold alone.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

# What a program linked to the system's libraries reads. Where these are links into /usr, they
# become links.
_ROOTS = ("/lib", "/lib32", "/lib64", "/libx32", "/bin", "/sbin")
_LINKING = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives")


@dataclass(frozen=True, slots=True)
class Room:
    """What a child may see beside the system."""

    reads: tuple[Path, ...] = ()  # files
    writes: tuple[Path, ...] = ()  # folders


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A usable bubblewrap."""

    bwrap: Path

    def prefix(self, program: Path, room: Room) -> list[str]:
        """What stands before a command line to run it in there. Absolute paths stay as they are."""
        return [
            str(self.bwrap),
            *_namespaces(),
            # Killed when we are, however that happens.
            "--die-with-parent",
            # No process of bubblewrap's own inside: it would be another wait, and the CPU time of
            # what runs there would not count as ours.
            "--as-pid-1",
            *("--ro-bind", "/usr", "/usr"),
            *_system(),
            *("--dev", "/dev"),
            *("--tmpfs", "/tmp"),  # noqa: S108 - the sandbox's own
            *_binds("--ro-bind", (program, *room.reads)),
            *_binds("--bind", room.writes),
            *("--chdir", "/"),
            "--",
        ]


def find_sandbox() -> Sandbox | None:
    """The bubblewrap of this machine, if it has one; whether it may be used is seen in use."""
    found = shutil.which("bwrap")
    return Sandbox(Path(found)) if found else None


def _namespaces() -> list[str]:
    shared = ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts"]
    shared.append("--unshare-cgroup-try")
    if os.geteuid() != 0:
        return ["--unshare-user", *shared, "--cap-drop", "ALL"]
    # In a user namespace root could not read masters of other owners; it needs none to begin with.
    return [*shared, "--cap-drop", "ALL", "--cap-add", "CAP_DAC_READ_SEARCH"]


def _system() -> list[str]:
    words = []
    for root in map(Path, _ROOTS):
        if root.is_symlink():
            words += ["--symlink", str(root.readlink()), str(root)]
        elif root.is_dir():
            words += ["--ro-bind", str(root), str(root)]
    for path in _LINKING:
        words += ["--ro-bind-try", path, path]
    return words


def _binds(how: str, paths: Sequence[Path]) -> list[str]:
    return [word for path in paths for word in (how, str(path.absolute()), str(path.absolute()))]
