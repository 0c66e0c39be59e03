"""The inspector: an address in, findings out. Start reading here.

It follows a manifest to everything that the manifest names, reads each file once, and lets every
rule look. It never raises: what cannot be read is a finding.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import groupby

from packager.check.decryption import whole_segment
from packager.check.findings import Finding, Place, Problem, Rule, Severity
from packager.check.media import Media, SegmentView
from packager.check.playlist import (
    MediaSegment,
    Playlist,
    Tag,
    byte_range,
    hexadecimal,
    read_playlist,
)
from packager.check.presentation import Element, Representation, read_presentation
from packager.check.rules import across, boxes, encryption, samples, segments, timing
from packager.check.rules.dash import RULES as DASH
from packager.check.rules.dash import DashPackage
from packager.check.rules.hls import PACKAGE, HlsPackage
from packager.check.rules.hls_media import MEDIA, HlsMedia, HlsPart
from packager.check.source import (
    MAX_MANIFEST_BYTES,
    Pieces,
    Source,
    Unreadable,
    View,
    Window,
    resolve,
)
from packager.check.track import Track, read_track
from packager.check.tree import Node, read_tree
from packager.model import ByteSpan

_MP4_TYPES = frozenset((b"ftyp", b"styp", b"moov", b"moof", b"sidx", b"mdat", b"free", b"wide"))


def _fetched(_: None) -> Iterable[Problem]:
    """Everything that is named is there."""
    return ()


def _of_a_kind(_: None) -> Iterable[Problem]:
    """A file is a playlist, an MPD or an MP4 file."""
    return ()


def _fragmented(_: None) -> Iterable[Problem]:
    """An MP4 file has an audio track in fragments."""
    return ()


# What is found on the way to the files, not by looking at them.
FETCH: Rule[None] = Rule("F1.file", Severity.ERROR, "RFC 3986, 5; RFC 9110, 15.5", "", _fetched)
KIND: Rule[None] = Rule("F2.kind", Severity.ERROR, "RFC 8216, 4.1; RFC 4337", "", _of_a_kind)
PLAIN: Rule[None] = Rule("F3.plain", Severity.NOTE, "ISO/IEC 23000-19:2020, 7.3", "", _fragmented)


def inspect(
    source: Source, addresses: Iterable[str], keys: Mapping[bytes, bytes]
) -> tuple[Finding, ...]:
    """Everything that is wrong with manifests or MP4 files and with all that they name.

    Findings come in the order in which they were made, each once.
    """
    pieces = Pieces(source)
    inspection = _Inspection(pieces, Window(pieces), keys)
    for address in sorted(addresses, key=inspection.rank):
        inspection.visit(address)
    inspection.finish()
    return tuple(dict.fromkeys(inspection.findings))


@dataclass
class _Inspection:
    pieces: Pieces
    source: Window
    keys: Mapping[bytes, bytes]
    findings: list[Finding] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    trees: dict[str, tuple[Node, ...]] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)
    media: list[Media] = field(default_factory=list)

    def visit(self, address: str) -> None:
        """One file that was asked for, unless something else led to it already."""
        if address in self.visited:
            return
        self.visited.add(address)
        try:
            self.kind_of(address)(address)
        except Unreadable as exc:
            self.unreadable(exc, Place(address))

    def rank(self, address: str) -> int:
        """What names others comes first: what it leads to is not looked at twice."""
        try:
            kind = self.kind_of(address)
            if kind == self.playlist:
                playlist = read_playlist(address, self.text(address))
                return 1 if playlist.is_multivariant else 2
        except Unreadable:
            return 0
        return 1 if kind == self.presentation else 3

    def finish(self) -> None:
        """The rules that look at everything at once."""
        self.findings += across.EVERYTHING.run(tuple(self.media))

    def kind_of(self, address: str) -> Callable[[str], None]:
        start = self.view(address).read(0, 64)
        text = start.lstrip(b"\xef\xbb\xbf \t\r\n")
        if text.startswith(b"#EXT"):
            return self.playlist
        if text.startswith(b"<"):
            return self.presentation
        if _is_mp4(start):
            return self.file
        return self.unknown

    def unknown(self, address: str) -> None:
        text = "neither a playlist nor an MPD nor an MP4 file"
        remedy = "name a .m3u8, .mpd or .mp4"
        self.findings.append(KIND.finding(Problem(Place(address, "", 0), text, remedy)))

    def unreadable(self, exc: Unreadable, place: Place) -> None:
        text = exc.problem if exc.address == place.file else str(exc)
        remedy = "put the file there, or correct what names it"
        self.findings.append(FETCH.finding(Problem(place, text, remedy)))

    def view(self, address: str) -> View:
        if address not in self.views:
            self.views[address] = View(self.source, address)
        return self.views[address]

    def tree(self, view: View) -> tuple[Node, ...]:
        """The boxes of a file; what is wrong with them is said the first time."""
        if view.address not in self.trees:
            self.trees[view.address] = nodes = read_tree(view)
            self.views[view.address] = view
            self.findings += boxes.FILE.run(nodes)
        return self.trees[view.address]

    def text(self, address: str) -> bytes:
        view = self.view(address)
        if view.size > MAX_MANIFEST_BYTES:
            raise Unreadable(address, f"a manifest of {view.size} bytes")
        return view.read(0, view.size)

    # MP4 files

    def file(self, address: str) -> None:
        """A file on its own; without fragments there is less to say."""
        nodes = self.tree(self.view(address))
        track = read_track(nodes, ())
        if track is None:
            text = "there is no audio track in it"
            self.findings.append(PLAIN.finding(Problem(Place(address, "", 0), text, "nothing")))
            return
        if not track.fragments:
            text = "there are no fragments: not a file that can be streamed in segments"
            problem = Problem(track.moov.place, text, "package it (headwater package)")
            self.findings.append(PLAIN.finding(problem))
        self.track(track)

    def track(self, track: Track) -> None:
        """Every rule about a track on its own."""
        self.findings += boxes.RULES.run(track)
        self.findings += timing.RULES.run(track)
        self.findings += encryption.RULES.run(track)
        self.findings += samples.RULES.run(samples.Samples(track, self.views, self.keys))

    def rendition(self, media: Media) -> None:
        """Every rule about a rendition on its own."""
        self.visited.update(one.address for one in media.segments)
        self.media.append(media)
        self.track(media.track)
        self.findings += segments.RULES.run(media)

    # HLS

    def playlist(self, address: str) -> None:
        playlist = read_playlist(address, self.text(address))
        if playlist.is_multivariant:
            self.multivariant(playlist)
        else:
            self.media_playlist(playlist)

    def multivariant(self, playlist: Playlist) -> None:
        named = [uri for _, uri in playlist.variants()]
        named += [tag for tag in playlist.all("EXT-X-MEDIA") if "URI" in tag.attributes]
        found: dict[str, HlsMedia] = {}
        for tag in named:
            uri = tag.attributes["URI"] if tag.name else tag.value
            if uri in found:
                continue
            try:
                address = resolve(playlist.address, uri)
                self.visited.add(address)
                inner = read_playlist(address, self.text(address))
            except Unreadable as exc:
                self.unreadable(exc, tag.place)
                continue
            found[uri] = self.media_playlist(inner)
        package = HlsPackage(playlist, found)
        self.findings += PACKAGE.run(package)
        self.hls_sets(package)

    def hls_sets(self, package: HlsPackage) -> None:
        """The variants of one group, which a player may switch between."""
        groups: dict[tuple[str, int], list[Media]] = {}
        places: dict[tuple[str, int], Place] = {}
        for tag, one in package.variants():
            for number, media in enumerate(one.media if one else ()):
                group = tag.attributes.get("AUDIO", ""), number
                groups.setdefault(group, []).append(media)
                places.setdefault(group, tag.place)
        for group, several in groups.items():
            self.findings += across.SETS.run(across.SwitchingSet(places[group], _once(several)))

    def media_playlist(self, playlist: Playlist) -> HlsMedia:
        parts = []
        for number, wanted in enumerate(_by_header(playlist), 1):
            label = f"{playlist.address} (track {number})" if number > 1 else playlist.address
            try:
                media = self.hls_media(playlist, label, wanted)
            except Unreadable as exc:
                self.unreadable(exc, playlist.top)
                media = None
            parts.append(HlsPart(wanted, media))
        found = HlsMedia(playlist, tuple(parts))
        self.findings += MEDIA.run(found)
        for one in found.media:
            self.rendition(one)
        return found

    def hls_media(
        self, playlist: Playlist, label: str, wanted: tuple[MediaSegment, ...]
    ) -> Media | None:
        """What these segments are; None where that is not audio in MP4 (or a key lacks)."""
        header = self.hls_header(playlist, wanted[0])
        pieces = []
        for segment in wanted:
            address = resolve(playlist.address, segment.uri.value)
            view = self.view(address)
            span = segment.span or ByteSpan(0, view.size)
            size = min(span.end, view.size) - min(span.start, view.size)
            key = _whole_key(segment.keys)
            if key:
                opened = self.opened(segment, key, view, span)
                if opened is None:
                    return None
                view, span = opened, ByteSpan(0, opened.size)
            elif header is _NO_HEADER and not _is_mp4(view.read(span.start, span.start + 8)):
                return None  # WebVTT, packed audio, transport streams
            place, declared = segment.uri.place, segment.duration
            pieces.append(_Segment(place, address, view, span, size, declared, None))
        return self.join(label, wanted[0].uri.place, header, pieces)

    def hls_header(self, playlist: Playlist, first: MediaSegment) -> _Header:
        tag = first.header
        if tag is None:
            return _NO_HEADER
        view = self.view(resolve(playlist.address, tag.attributes.get("URI", "")))
        self.visited.add(view.address)
        span = byte_range(tag.attributes.get("BYTERANGE", "")) or ByteSpan(0, view.size)
        if _whole_key(first.keys):  # what follows in the file is no boxes
            alone = self.pieces.add("header", view.address, span, bytes)
            return _Header(self.tree(self.view(alone)), ByteSpan(0, span.size))
        return _Header(_inside(self.tree(view), span), span)

    def opened(self, segment: MediaSegment, tag: Tag, view: View, span: ByteSpan) -> View | None:
        """A segment that was encrypted whole, in the clear; None without the right key."""
        self.visited.add(view.address)
        key = self.hls_key(tag.attributes)
        if key is None:
            text = "encrypted by AES-128: the segments were not looked at"
            remedy = "give its key: --key KID:KEY, the KID being in the key's URI"
            self.say("C1.key", Problem(tag.place, text, remedy))
            return None
        iv = hexadecimal(tag.attributes.get("IV", "")) or segment.number.to_bytes(16, "big")
        name = f"segment={segment.number}"
        inside = self.pieces.add(
            name, view.address, span, lambda data: whole_segment(data, key, iv) or b""
        )
        made = self.view(inside)
        if not made.size:
            text = "the key does not open this segment: its padding is wrong"
            remedy = "check key and IV; pad each segment on its own (PKCS7)"
            self.say("C1.frames", Problem(segment.uri.place, text, remedy))
            return None
        return made

    def say(self, rule_id: str, problem: Problem) -> None:
        """A finding in the name of a rule about samples that could not be reached."""
        rule = next(rule for rule in samples.RULES.all if rule.id == rule_id)
        self.findings.append(rule.finding(problem))

    def hls_key(self, attributes: Mapping[str, str]) -> bytes | None:
        """The key whose KID the tag names; the only one that was given if it names none."""
        text = (attributes.get("URI", "") + attributes.get("KEYID", "")).lower().replace("-", "")
        named = (key for kid, key in self.keys.items() if kid.hex() in text)
        return next(named, next(iter(self.keys.values())) if len(self.keys) == 1 else None)

    # DASH

    def presentation(self, address: str) -> None:
        try:
            presentation = read_presentation(address, self.text(address))
        except ValueError as exc:
            remedy = "write an MPD as ISO/IEC 23009-1 has it"
            problem = Problem(Place(address, "", 0), str(exc), remedy)
            self.findings.append(KIND.finding(problem))
            return
        found: list[tuple[Representation, Media]] = []
        for parent, representations in presentation.sets:
            own = list(self.adaptation_set(representations))
            found += own
            media = _once([one for _, one in own])
            if media:
                self.findings += across.SETS.run(across.SwitchingSet(parent.place, media))
        self.findings += DASH.run(DashPackage(presentation, tuple(found)))

    def adaptation_set(
        self, representations: Iterable[Representation]
    ) -> Iterator[tuple[Representation, Media]]:
        for one in representations:
            if not _is_audio(one.element):
                continue
            try:
                media = self.dash_media(one)
            except Unreadable as exc:
                self.unreadable(exc, one.element.place)
                continue
            if media:
                self.rendition(media)
                yield one, media

    def dash_media(self, one: Representation) -> Media | None:
        header = _NO_HEADER
        if one.header:
            view = self.view(one.header[0])
            self.visited.add(view.address)
            span = one.header[1] or ByteSpan(0, view.size)
            header = _Header(_inside(self.tree(view), span), span)
        place = one.element.place
        if one.pieces is None:
            return self.join(one.name, place, header, list(self.indexed(one)))
        pieces = []
        for piece in one.pieces:
            view = self.view(piece.address)
            span = piece.span or ByteSpan(0, view.size)
            pieces.append(
                _Segment(place, piece.address, view, span, span.size, piece.duration, piece.start)
            )
        return self.join(one.name, place, header, pieces)

    def indexed(self, one: Representation) -> Iterator[_Segment]:
        """The segments that the sidx of a file lists; a fragment each where it is of no use."""
        view = self.view(one.base)
        nodes = self.tree(view)
        place = one.element.place
        track = read_track(nodes, ())
        index = next(iter(track.indexes), None) if track else None
        references = getattr(index.box, "references", ()) if index else ()
        at = index.end + getattr(index.box, "first_offset", 0) if index else 0
        if not references:
            for moof in (node for node in nodes if node.code == b"moof"):
                span = ByteSpan(moof.start, moof.end)
                yield _Segment(place, one.base, view, span, span.size, None, None)
        for reference in references:
            span = ByteSpan(at, at + reference.size)
            yield _Segment(place, one.base, view, span, span.size, None, None)
            at = span.end

    # Both

    def join(
        self, label: str, place: Place, header: _Header, pieces: list[_Segment]
    ) -> Media | None:
        """Header and segments as one rendition; None where there is no audio track in them."""
        inside = [_inside(self.tree(piece.view), piece.span) for piece in pieces]
        files = {piece.view.address: self.tree(piece.view) for piece in pieces}
        listed = {id(node) for nodes in inside for node in nodes}
        wanted = {b"sidx"} if header.nodes else {b"ftyp", b"moov", b"sidx"}
        loose = [
            node
            for nodes in files.values()
            for node in nodes
            if node.code in wanted and id(node) not in listed
        ]
        track = read_track((*header.nodes, *loose), [node for nodes in inside for node in nodes])
        if track is None:
            return None
        by_moof = {id(one.moof): one for one in track.fragments}
        views = [
            SegmentView(
                piece.place,
                piece.address,
                piece.span,
                piece.size,
                piece.declared_s,
                piece.starts_s,
                nodes,
                tuple(by_moof[id(node)] for node in nodes if id(node) in by_moof),
                piece.view,
            )
            for piece, nodes in zip(pieces, inside, strict=True)
        ]
        stored = sum(node.code == b"moof" for nodes in files.values() for node in nodes)
        return Media(
            *(label, place, track, header.nodes, header.span),
            *(tuple(views), self.views, stored),
        )


@dataclass(frozen=True, slots=True)
class _Header:
    """What a manifest names as the header."""

    nodes: tuple[Node, ...]
    span: ByteSpan


_NO_HEADER = _Header((), ByteSpan(0, 0))


@dataclass(frozen=True, slots=True)
class _Segment:
    """A segment before its boxes are looked up."""

    place: Place
    address: str
    view: View
    span: ByteSpan
    size: int
    declared_s: Fraction | None
    starts_s: Fraction | None


def _by_header(playlist: Playlist) -> Iterator[tuple[MediaSegment, ...]]:
    """The segments, divided where another header begins."""
    for _, found in groupby(playlist.segments, key=lambda one: one.header):
        yield tuple(found)


def _is_mp4(start: bytes) -> bool:
    return start[4:8] in _MP4_TYPES


def _whole_key(keys: Iterable[Tag]) -> Tag | None:
    """The key of segments that are encrypted whole."""
    return next((key for key in keys if key.attributes.get("METHOD") == "AES-128"), None)


def _inside(nodes: tuple[Node, ...], span: ByteSpan) -> tuple[Node, ...]:
    first = bisect_left(nodes, span.start, key=_start)
    return nodes[first : bisect_left(nodes, span.end, lo=first, key=_start)]


def _start(node: Node) -> int:
    return node.start


def _once(media: list[Media]) -> tuple[Media, ...]:
    """Each rendition once, though several variants may name it."""
    return tuple({one.label: one for one in media}.values())


def _is_audio(element: Element) -> bool:
    kinds = (element.inherited("contentType"), element.inherited("mimeType"))
    return any(kind and kind.startswith("audio") for kind in kinds) or kinds == (None, None)
