"""Packages in memory: what our packager writes, as the files that a server would have.

`Stage` is a `Source`, and its files can be damaged before they are inspected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from packager.addressing import Addressing
from packager.check import Finding, Unreadable, inspect
from packager.check.source import View
from packager.check.tree import Node, read_tree
from packager.dash import render as dash
from packager.hls import render as hls
from packager.hls.render import HlsForm
from packager.model import Rendition, Scheme
from tests.packager.conftest import Encode
from tests.packager.packages import KEY, package, write

ROOT = "https://media.example/song/"
KEYS = {bytes([number]) * 16: KEY for number in range(1, 5)}
Edit = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Stage:
    """Files by name."""

    files: Mapping[str, bytes] = field(repr=False)

    def size(self, address: str) -> int:
        return len(self._data(address))

    def read(self, address: str, start: int, end: int) -> bytes:
        return self._data(address)[start:end]

    def _data(self, address: str) -> bytes:
        name = address.removeprefix(ROOT)
        if name not in self.files:
            raise Unreadable(address, "there is no such file")
        return self.files[name]

    def changed(self, name: str, edit: Edit) -> Stage:
        """The same with one file edited, which must make a difference."""
        data = edit(self.files[name])
        assert data != self.files[name], f"{name}: the edit changes nothing"
        return Stage({**self.files, name: data})

    def findings(self, *names: str, keys: Mapping[bytes, bytes] = KEYS) -> tuple[Finding, ...]:
        """What is found from these files on: the manifests, unless told."""
        wanted = names or [name for name in self.files if name.endswith((".m3u8", ".mpd"))]
        return inspect(self, [ROOT + name for name in wanted], keys)

    def rules(self, *names: str) -> set[str]:
        """Ids of the rules that say something."""
        return {finding.rule for finding in self.findings(*names)}


def stage(
    renditions: Mapping[str, tuple[Rendition, bytes]],
    *,
    form: HlsForm = HlsForm.IDENTITY,
    addressing: Addressing = Addressing.RANGES,
    with_dash: bool = True,
) -> Stage:
    """Render the manifests of packaged renditions; each is (rendition, track file)."""
    value = package(*(_offered(one) for one, _ in renditions.values()))
    files: dict[str, bytes] = {}
    for one, data in renditions.values():
        if addressing is Addressing.RANGES:
            files[one.file] = data
        else:
            files[f"{one.name}/init.mp4"] = data[: one.init.end]
            for number, segment in enumerate(one.segments, 1):
                span = segment.span
                files[f"{one.name}/{number}.m4s"] = data[span.start : span.end]
        text = hls.media(one, form, addressing=addressing)
        files[f"{one.name}.m3u8"] = text.encode()
    files["multivariant.m3u8"] = hls.multivariant(value, form).encode()
    if with_dash:
        files["manifest.mpd"] = dash.mpd(value, addressing=addressing).encode()
    return Stage(files)


def _offered(one: Rendition) -> Rendition:
    """A file of whole-segment encryption is the second file of a rendition."""
    if one.scheme is not Scheme.AES_128:
        return one
    return replace(one, scheme=Scheme.CBCS, aes128=one)


def staged(
    encode: Encode,
    *codecs: str,
    scheme: Scheme = Scheme.CLEAR,
    form: HlsForm = HlsForm.IDENTITY,
    addressing: Addressing = Addressing.RANGES,
) -> Stage:
    """A package of these codecs; each of a name of its own, on one key."""
    renditions = {
        codec: write(encode(codec), name=codec, scheme=scheme, segment_s=2) for codec in codecs
    }
    with_dash = scheme is not Scheme.AES_128
    return stage(renditions, form=form, addressing=addressing, with_dash=with_dash)


# Edits of MP4 files. They keep all sizes, so that nothing but the one thing is wrong.


def nodes(data: bytes, path: str) -> list[Node]:
    """The boxes of a path such as moof/traf/tfhd."""
    top = read_tree(View(Stage({"": data}), ROOT))
    return [node for one in top for node in one.walk() if node.place.path == path]


def poke(path: str, offset: int, value: str, *, which: int = 0) -> Edit:
    """Write bytes (hexadecimal) at an offset inside the `which`-th box of a path."""

    def edit(data: bytes) -> bytes:
        start = nodes(data, path)[which].start + offset
        new = bytes.fromhex(value)
        return data[:start] + new + data[start + len(new) :]

    return edit


def rename(path: str, code: bytes = b"free", *, which: int = 0) -> Edit:
    """Give a box another type, by which it is gone."""
    return poke(path, 4, code.hex(), which=which)


def add(path: str, offset: int, delta: int, width: int = 4, *, which: int = 0) -> Edit:
    """Add to a number inside a box."""

    def edit(data: bytes) -> bytes:
        start = nodes(data, path)[which].start + offset
        old = int.from_bytes(data[start : start + width], "big")
        return data[:start] + (old + delta).to_bytes(width, "big") + data[start + width :]

    return edit


def text(old: str, new: str, count: int = 1) -> Edit:
    """Replace text in a manifest."""
    return lambda data: data.replace(old.encode(), new.encode(), count)
