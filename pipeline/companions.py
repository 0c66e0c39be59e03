"""What is published beside the track files of a revision: lyrics, pictures, plain downloads."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from catalog.records import CoverPicture
from packager import pictures
from packager.model import Package, Picture, Rendition, TextKind
from packager.text.track import TextFiles, make
from pipeline.cover import SIZES, BadCover, Resized, resize_cover
from pipeline.downloads import MadeDownload, tags_of
from pipeline.ffmpeg.args import DownloadSpec
from pipeline.master import Master
from storage.base import ObjectStore
from storage.naming import cover_object, track_object


@dataclass(frozen=True, slots=True)
class Companions:
    """All of it, made; and what could not be."""

    texts: tuple[TextFiles, ...] = ()
    pictures: tuple[Resized, ...] = ()
    downloads: tuple[MadeDownload, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def hashes(self) -> dict[str, str]:
        """File name -> SHA-256 (hex): a revision is named by these too."""
        return {
            **{one.track.file: one.track.sha256 for one in self.texts},
            **{one.picture.file: one.picture.sha256 for one in self.pictures},
            **{one.download.file: one.download.sha256 for one in self.downloads},
        }

    @property
    def cover_pictures(self) -> tuple[CoverPicture, ...]:
        """The pictures as the catalog knows them."""
        made = [one.picture for one in self.pictures]
        return tuple(CoverPicture(_picture_key(one), one.width, one.height) for one in made)


def recipe_lines(master: Master, downloads: Sequence[DownloadSpec]) -> tuple[str, ...]:
    """What the recipe says of them: when one of these changes, there is another revision.

    The lyrics, the cover and a sidecar's tags may lie beside the master, whose own hash does not
    tell of them.
    """
    lines = [f"lyrics {one.lyrics.language} {one.sha256}" for one in master.lyrics]
    if master.cover:
        sizes = "-".join(map(str, SIZES))
        lines.append(f"cover {master.cover.sha256} {sizes}")
    lines += [f"download {one.tier} {one.ending} {one.bitrate_bps}" for one in downloads]
    if downloads:
        told = repr(replace(tags_of(master), lyrics=None, picture=None, warnings=()))
        lines.append(f"tags {hashlib.sha256(told.encode()).hexdigest()}")
    return tuple(lines)


def make_companions(
    master: Master, beside: Rendition, downloads: Sequence[MadeDownload]
) -> Companions:
    """Make lyrics and pictures; text is cut where the segments of `beside` are. Blocking."""
    texts: list[TextFiles] = []
    warnings: list[str] = []
    for one in master.lyrics:
        made = make(one.lyrics, beside)
        if made is None:
            warnings.append("its lyrics are left out: they begin after its end")
        else:
            texts.append(made)
    resized: tuple[Resized, ...] = ()
    if master.cover:
        try:
            resized = resize_cover(master.cover)
        except BadCover as exc:
            warnings.append(str(exc))
    return Companions(tuple(texts), resized, tuple(downloads), tuple(warnings))


async def store_companions(store: ObjectStore, package: Package, companions: Companions) -> None:
    """Put their objects where the package's manifests expect them."""

    def key(file: str) -> str:
        return track_object(package.track_id, package.revision, file)

    for text in companions.texts:
        track = text.track
        await store.put(key(track.file), text.whole)
        if track.kind is TextKind.SYNCED:
            await store.put(key(track.segment_file), text.segments)
    for resized in companions.pictures:
        await store.put(_picture_key(resized.picture), resized.data)
    if companions.pictures:
        document = pictures.document(package, stored_picture_url)
        await store.put(key(pictures.DOCUMENT), document.encode())
    for download in companions.downloads:
        await store.put_file(key(download.download.file), download.path)


def stored_picture_url(picture: Picture) -> str:
    """Where a picture is, from a file in a package's folder: `tracks/{id}/{revision}/`."""
    return "../../../" + _picture_key(picture)


def _picture_key(picture: Picture) -> str:
    return cover_object(picture.sha256, picture.ending)
