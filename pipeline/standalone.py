"""Packaging without a catalog: encoded files in, a folder that any web server can serve out.

    DIR/{rendition}.mp4       CMAF track files
    DIR/{rendition}.m3u8      HLS media playlists
    DIR/multivariant.m3u8     HLS
    DIR/manifest.mpd          DASH, unless whole segments are encrypted (`aes-128`)
    DIR/package.json          the package index

Equal inputs, keys and settings give equal bytes.
"""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

from packager import index
from packager.cmaf import write_track
from packager.dash import render as dash
from packager.demux import demux
from packager.errors import PackagerError
from packager.hls import render as hls
from packager.hls.render import HlsForm
from packager.model import EncodedTrack, Package, Rendition, Scheme, TrackProtection
from packager.systems import CLEARKEY_ONLY, KeySystems
from pipeline.errors import BadInput, WrongRequest
from pipeline.identity import revision_id
from pipeline.raw_keys import RawKeys

DEFAULT_TIER = "default"
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Input:
    """An encoded file and what is to be made of it."""

    path: Path
    name: str | None = None  # of the rendition; None: after the file
    tier: str = DEFAULT_TIER


@dataclass(frozen=True, slots=True)
class Request:
    """What to package and how."""

    inputs: Sequence[Input]
    out: Path
    scheme: Scheme
    keys: RawKeys = field(default_factory=RawKeys)
    segment_s: Fraction = Fraction(4)
    name: str | None = None  # of the package; None: after the first input
    title: str | None = None  # None: the name
    artist: str = ""
    hls_form: HlsForm = HlsForm.IDENTITY
    key_base: str = "keys/"  # what key URIs begin with; the KID follows
    systems: KeySystems = CLEARKEY_ONLY
    force: bool = False  # overwrite what is in `out`


@dataclass(frozen=True, slots=True)
class _Source:
    """An input that was looked into."""

    path: Path
    name: str
    tier: str
    track: EncodedTrack
    sha256: bytes


def parse_input(text: str) -> Input:
    """`PATH`, or `in=PATH,name=NAME,tier=TIER` as Shaka Packager's stream descriptors have it.

    Its own words are understood as well: `output=NAME.mp4`, `drm_label=TIER`, `stream=audio`.
    """
    if Path(text).exists() or not ("," in text or text.startswith("in=")):
        return Input(Path(text))
    parts = text.split(",")
    fields = dict(part.partition("=")[::2] for part in parts if "=" in part)
    bare = [part for part in parts if "=" not in part]
    path = fields.pop("in", None) or (bare.pop(0) if bare else "")
    if not path or bare:
        raise WrongRequest(f"{text}: in=PATH,name=NAME,tier=TIER is wanted")
    if fields.pop("stream", "audio") not in {"audio", "0"}:
        raise WrongRequest(f"{path}: only audio streams can be packaged")
    name = fields.pop("name", None) or fields.pop("output", "").removesuffix(".mp4") or None
    tier = fields.pop("tier", None) or fields.pop("drm_label", None) or DEFAULT_TIER
    if fields:
        raise WrongRequest(f"{path}: no such field: {', '.join(sorted(fields))}")
    return Input(Path(path), name, tier)


def package_files(request: Request) -> Package:
    """Write the folder and tell what is in it.

    Everything is written beside its place and moved there at the end, manifests last. Raises
    WrongRequest for what cannot be asked for (nothing was written then) and BadInput.
    """
    sources = _named([_look(one) for one in request.inputs])
    protections = _protections(request, sources)
    _refuse_overwriting(request, sources)
    request.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=request.out, prefix=".package-") as folder:
        package = _package(request, sources, protections, Path(folder))
        manifests = _manifests(request, package)
        for name, data in manifests.items():
            Path(folder, name).write_bytes(data)
        for name in (*(one.file for one in package.renditions), *manifests):
            Path(folder, name).replace(request.out / name)
    return package


def _look(one: Input) -> tuple[Input, EncodedTrack, bytes]:
    try:
        with one.path.open("rb") as source:
            track = demux(source)
            source.seek(0)
            return one, track, hashlib.file_digest(source, "sha256").digest()
    except PackagerError as exc:
        raise BadInput(one.path, str(exc)) from exc


def _named(looked: Sequence[tuple[Input, EncodedTrack, bytes]]) -> list[_Source]:
    """A name for each rendition: as asked, else after its file, and its coding if that is not one.

    `song.m4a` and `song.flac` become `song-aac` and `song-flac`.
    """
    stems = [_slug(one.path.stem) or "audio" for one, _, _ in looked]
    sources: list[_Source] = []
    for (one, track, sha256), stem in zip(looked, stems, strict=True):
        alone = stems.count(stem) == 1
        name = one.name or (stem if alone else f"{stem}-{track.config.codec.value}")
        if not _NAME.fullmatch(name):
            raise WrongRequest(f"{name!r} is no name: small letters, digits and single dashes")
        if any(name == other.name for other in sources):
            raise WrongRequest(f"two renditions would be called {name}: say in=...,name=...")
        sources.append(_Source(one.path, name, one.tier, track, sha256))
    return sources


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _protections(request: Request, sources: Sequence[_Source]) -> list[TrackProtection | None]:
    if request.scheme is Scheme.CLEAR:
        return [None] * len(sources)
    protections: list[TrackProtection | None] = []
    for number, source in enumerate(sources):
        key = request.keys.of(source.path.name, source.tier)
        if key is None:
            raise WrongRequest(f"{source.path}: there is no key for it (tier {source.tier})")
        protections.append(key.protection(request.scheme, source.sha256, number))
    return protections


def _refuse_overwriting(request: Request, sources: Sequence[_Source]) -> None:
    inputs = {one.path.resolve() for one in request.inputs}
    files = [f"{one.name}.{ending}" for one in sources for ending in ("mp4", "m3u8")]
    for name in (*files, "multivariant.m3u8", "manifest.mpd", "package.json"):
        path = request.out / name
        if path.resolve() in inputs:
            raise WrongRequest(f"{path}: this is an input (take another --out)")
        if path.exists() and not request.force:
            raise WrongRequest(f"{path}: it is there already (--force overwrites)")


def _package(
    request: Request,
    sources: Sequence[_Source],
    protections: Sequence[TrackProtection | None],
    folder: Path,
) -> Package:
    renditions = tuple(
        _write(source, protection, folder, request)
        for source, protection in zip(sources, protections, strict=True)
    )
    name = request.name or _slug(sources[0].path.stem) or "audio"
    content = hashlib.sha256(b"".join(source.sha256 for source in sources)).hexdigest()
    revision = revision_id({one.name: one.sha256 for one in renditions}, content)
    title = name if request.title is None else request.title
    return Package(name, revision, title, request.artist, renditions)


def _write(
    source: _Source, protection: TrackProtection | None, folder: Path, request: Request
) -> Rendition:
    is_sampled = protection is not None and request.scheme is not Scheme.AES_128
    path = folder / f"{source.name}.mp4"
    try:
        with source.path.open("rb") as encoded, path.open("xb") as out:
            return write_track(
                encoded,
                source.track,
                out,
                name=source.name,
                tier=source.tier,
                segment_s=request.segment_s,
                protection=protection,
                pssh=request.systems.boxes(protection.kid, request.scheme)
                if protection and is_sampled
                else (),
            )
    except PackagerError as exc:
        raise BadInput(source.path, str(exc)) from exc


def _manifests(request: Request, package: Package) -> Mapping[str, bytes]:
    """Everything but the media, what refers to others after them."""
    is_whole = request.scheme is Scheme.AES_128
    form = HlsForm.AES_128 if is_whole else request.hls_form
    base, systems = request.key_base, request.systems
    texts = {
        f"{one.name}.m3u8": hls.media(one, form, key_base=base, systems=systems)
        for one in package.renditions
    }
    texts["multivariant.m3u8"] = hls.multivariant(package, form, key_base=base, systems=systems)
    if not is_whole:
        texts["manifest.mpd"] = dash.mpd(package, systems=systems)
    encoded = {name: text.encode() for name, text in texts.items()}
    return {"package.json": index.encode(package), **encoded}
