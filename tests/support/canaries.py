"""Secrets that are known, and the search for them in everything that a run leaves behind."""

from __future__ import annotations

import os
import threading
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

# Looks at a process until it is known (it may yet become another program), and from then on.
_YOUNG, _NOW_AND_THEN = 20, 50


class Canaries:
    """Secrets by name, in every spelling that somebody might write them in."""

    def __init__(self) -> None:
        self._spellings: dict[bytes, str] = {}

    def add(self, name: str, secret: bytes) -> None:
        """Bytes: as they are, in hex, in both base64s at every alignment."""
        for spelling in _spellings(secret):
            self._spellings[spelling] = name

    def add_text(self, name: str, secret: str) -> None:
        """A token or a passphrase, as it is written."""
        self._spellings[secret.encode()] = name

    def __len__(self) -> int:
        return len(self._spellings)

    def found_in(self, places: Mapping[str, bytes]) -> list[str]:
        """`secret in place`, for each that is found."""
        return [
            f"{name} in {place}"
            for place, data in places.items()
            for spelling, name in self._spellings.items()
            if spelling in data
        ]


def files_under(*folders: Path, but: Iterable[Path] = ()) -> dict[str, bytes]:
    """All files there, by name."""
    left_out = set(but)
    return {
        str(path): path.read_bytes()
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in left_out
    }


class ProcessWatch:
    """What can be seen of processes from outside: their arguments, and ffmpeg's environment."""

    def __init__(self) -> None:
        self.seen: dict[str, bytes] = {}
        self._end = threading.Event()
        self._looks: dict[str, int] = {}  # by process that runs

    def look(self) -> None:
        """Remember every process that runs now; one that has been looked at often, now and then."""
        running = [name for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 - faster
        self._looks = {name: self._looks.get(name, 0) + 1 for name in running}
        for name, looks in self._looks.items():
            if looks > _YOUNG and looks % _NOW_AND_THEN:
                continue
            folder = Path("/proc") / name
            try:
                line = (folder / "cmdline").read_bytes()
                self.seen[f"arguments of {line[:60]!r} {hash(line)}"] = line
                if b"ffmpeg" in line.partition(b"\0")[0] or b"ffprobe" in line.partition(b"\0")[0]:
                    self.seen[f"environment of {folder}"] = (folder / "environ").read_bytes()
            except OSError:  # it has just ended, or is somebody else's
                continue

    @contextmanager
    def running(self) -> Iterator[ProcessWatch]:
        """Look again and again, until the end of the block."""

        def watch() -> None:
            while not self._end.wait(0.01):
                self.look()

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield self
        finally:
            self._end.set()
            thread.join()


def _spellings(secret: bytes) -> Iterator[bytes]:
    yield secret
    yield secret.hex().encode()
    yield secret.hex().upper().encode()
    yield repr(secret)[2:-1].encode()
    for encode in (b64encode, urlsafe_b64encode):
        # What stands before it shifts the digits; those at both ends hold bits of the neighbors.
        yield encode(secret).rstrip(b"=")[:-1]
        for shift in (1, 2):
            digits = encode(bytes(shift) + secret)
            yield digits[shift + 1 : -4]
