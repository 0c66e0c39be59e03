"""What was made of a master -> the values that the catalog and the manifests take. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from catalog.album_loudness import LoudnessBlocks
from catalog.records import (
    CoverPicture,
    Publication,
    ReleaseDraft,
    RenditionRecord,
    RevisionDraft,
    TrackDraft,
    WrappedKeyRecord,
)
from packager.model import Loudness, Package, Rendition, Scheme
from pipeline.albums import UNKNOWN_ARTIST, album_artist, album_id
from pipeline.companions import Companions
from pipeline.ffmpeg.encode import Encoded
from pipeline.identity import revision_id
from pipeline.ladder import RenditionSpec, notes_on
from pipeline.master import Master
from pipeline.packaging import Packaged
from storage.naming import cover_object, track_object


def package_of(
    master: Master,
    track_id: str,
    encoded: Encoded,
    packaged: Packaged,
    companions: Companions,
    album_loudness: Loudness | None,
    *,
    making: str,
) -> Package:
    """The package of a new revision, named by its content and by this making of it."""
    package = Package(
        track_id=track_id,
        revision="",
        title=master.title,
        artist=", ".join(_artists(master)),
        renditions=packaged.renditions,
        loudness=encoded.loudness,
        album_loudness=album_loudness,
        lyrics=tuple(one.track for one in companions.texts),
        pictures=tuple(one.picture for one in companions.pictures),
        downloads=tuple(one.download for one in companions.downloads),
    )
    files = {one.name: one.sha256 for one in package.files()} | companions.hashes
    return replace(package, revision=revision_id(files, master.sha256, making))


def revision_of(
    master: Master,
    package: Package,
    specs: Sequence[RenditionSpec],
    *,
    blocks: LoudnessBlocks,
    recipe_sha256: str,
    words: str,
    scheme: Scheme,
    encoder: str,
) -> RevisionDraft:
    """The revision's row: how it was made, and of what."""
    sound = master.sound
    loudness = package.loudness or Loudness(None, None, None)
    return RevisionDraft(
        revision=package.revision,
        master_sha256=master.sha256,
        recipe_sha256=recipe_sha256,
        words_sha256=words,
        master_format=sound.form,
        master_codec=sound.codec,
        master_sample_rate_hz=sound.sample_rate_hz,
        master_channels=sound.channels,
        master_bit_depth=sound.bit_depth,
        master_samples=sound.samples,
        scheme=scheme.value,
        encoder=encoder,
        integrated_lufs=loudness.integrated_lufs,
        loudness_range_lu=loudness.range_lu,
        true_peak_dbtp=loudness.true_peak_dbtp,
        loudness_blocks=blocks,
        renditions=tuple(_rendition(package, one) for one in package.renditions),
        notes=(*notes_on(sound, specs, loudness.true_peak_dbtp), *master.warnings),
    )


def publication_of(
    master: Master,
    revision: RevisionDraft,
    track_id: str,
    companions: Companions,
    *,
    keys: tuple[WrappedKeyRecord, ...],
    tenant: str,
    job_id: str,
    instead_of: str | None = None,
) -> Publication:
    """All that the publishing transaction writes."""
    return Publication(
        track=track_draft(master, track_id, tenant),
        release=release_draft(master, companions.cover_pictures, tenant),
        revision=revision,
        keys=keys,
        job_id=job_id,
        instead_of=instead_of,
    )


def words_sha256(master: Master) -> str:
    """A hash of all that the delivery says; a file's name is no word, and the cover a recipe's."""
    said = (replace(master.tags, picture=None, warnings=()), master.operator_id)
    return hashlib.sha256(repr(said).encode()).hexdigest()


def _artists(master: Master) -> tuple[str, ...]:
    tags = master.tags
    return tags.artists or ((tags.album_artist,) if tags.album_artist else (UNKNOWN_ARTIST,))


def track_draft(master: Master, track_id: str, tenant: str) -> TrackDraft:
    """What the delivery says of the track."""
    tags = master.tags
    return TrackDraft(
        track_id=track_id,
        tenant=tenant,
        title=master.title,
        artists=_artists(master),
        duration_s=master.sound.duration_s,
        isrc=tags.isrc,
        operator_id=master.operator_id,
        disc=tags.disc,
        number=tags.number,
        genre=tags.genre,
        date=tags.date,
        copyright=tags.copyright,
        lyrics=tags.lyrics,
        replaygain_track_db=tags.replaygain_track_db,
        replaygain_album_db=tags.replaygain_album_db,
    )


def release_of(master: Master, tenant: str) -> str | None:
    """The album; for a master that names none, a single where there is a UPC or a cover to keep."""
    tags = master.tags
    if not (tags.album or tags.upc or master.cover):
        return None
    return album_id(tags, master.title, tenant)


def release_draft(
    master: Master, pictures: tuple[CoverPicture, ...], tenant: str
) -> ReleaseDraft | None:
    """What it says of the release; `pictures` are the sizes of its cover."""
    release_id, tags = release_of(master, tenant), master.tags
    if release_id is None:
        return None
    cover = master.cover
    return ReleaseDraft(
        release_id=release_id,
        title=tags.album or master.title,
        artist=album_artist(tags),
        upc=tags.upc,
        date=tags.date,
        label=tags.label,
        copyright=tags.copyright,
        cover_key=cover_object(cover.sha256, cover.ending) if cover else None,
        cover_pictures=pictures if cover else None,
    )


def _rendition(package: Package, one: Rendition) -> RenditionRecord:
    return RenditionRecord(
        name=one.name,
        tier=one.tier,
        codec=one.codec.value,
        codecs=one.codecs,
        average_bps=one.average_bps,
        sample_rate_hz=one.sample_rate_hz,
        channels=one.channels,
        bit_depth=one.bit_depth,
        object_key=track_object(package.track_id, package.revision, one.file),
        size=one.size,
        sha256=one.sha256,
    )
