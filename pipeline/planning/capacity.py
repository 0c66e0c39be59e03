"""What is wanted and what is assumed -> storage, requests, bandwidth, cores and cost. Pure.

GB are 10^9 bytes. A month is 30.44 days, a year 12 of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from configs.ladder import Ladder, Rung
from configs.planning import Planning
from pipeline.planning.hits import Che, Hits, Kind

MONTH_S = 30.44 * 86400
_DAY_S = 86400.0
_GB = 1e9
# Of a track file: boxes and encryption metadata over the samples of a 4-second segment.
_OVERHEAD = 1.012
_MANIFEST_BYTES = 4_000  # one of a track, on average
_INDEX_BYTES = 9_000
_COVER_BYTES = 700_000  # the original and four sizes
_COVER_OBJECTS = 5
_PART_BYTES = 8 << 20  # storage.part_bytes as it is by default; up to two of them go in one request
# Requests of one song beside its segments: a playback answer, two manifests, an init segment.
_START_MANIFESTS = 2
_START_MEDIA = 1


@dataclass(frozen=True, slots=True)
class Requests:
    """What is asked of a bucket, by how it is billed; nobody bills a DELETE."""

    writes: float
    checks: float  # HEAD: whether it is there, whole

    def __add__(self, other: Requests) -> Requests:
        return Requests(self.writes + other.writes, self.checks + other.checks)

    def __mul__(self, times: float) -> Requests:
        return Requests(self.writes * times, self.checks * times)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the service is to be."""

    songs: int
    daily: int  # new songs a day
    streams: int  # at once, at the peak
    cache_bytes: float  # of each edge
    reencode_days: float = 30.0  # in which the whole catalog is to be encoded again
    segment_s: float = 4.0
    with_aes128: bool = True
    archive: bool = False  # the masters, too


@dataclass(frozen=True, slots=True)
class Capacity:
    """What it takes."""

    rendition_bytes: Mapping[str, float]  # of the whole catalog
    song_bytes: float
    storage_bytes: float  # all copies, masters left out
    archive_bytes: float
    catalog_bytes: float
    objects: float
    objects_per_song: float
    daily_bytes: float  # new each day
    write_requests_day: float  # that are billed as writes
    check_requests_day: float  # HEAD: whether what was written is there, and whole
    segment_requests_s: float  # at the peak, of all listeners
    start_requests_s: float  # manifests, answers, init segments
    licenses_s: float
    media_misses_s: float  # what the origin reads of the storage, at the peak
    cdn_bps: float  # at the peak
    origin_bps: float
    origin_requests_s: float  # cache misses, and what no cache may keep
    hits: Hits
    encode_cores: float
    reencode_cores: float
    origin_cores: float
    month_cdn_bytes: float
    month_origin_bytes: float
    costs: Mapping[str, float]  # a month

    @property
    def month_cost(self) -> float:
        """All of it."""
        return sum(self.costs.values())


def plan(wanted: Wanted, ladder: Ladder, planning: Planning) -> Capacity:
    """Reckon it."""
    assumed, measured = planning.assumed, planning.measured
    sizes = {one.name: _file_bytes(one, planning) for one in ladder.rungs}
    twins = {one.name: _twins(one, wanted) for one in ladder.rungs}
    song_bytes = sum(size * (1 + twins[name]) for name, size in sizes.items())
    song_bytes += _small_bytes(ladder, wanted) + _COVER_BYTES / assumed.songs_per_release
    objects = _objects(ladder, wanted) + _COVER_OBJECTS / assumed.songs_per_release
    asked = _requests(ladder, wanted, planning)

    kinds = kinds_of(ladder, planning)
    hits = Che(wanted.songs, assumed.zipf_s, kinds).hits(wanted.cache_bytes)
    mean_bps = sum(kind.share * kind.bytes for kind in kinds.values()) * 8 / assumed.song_s
    cdn_bps = wanted.streams * mean_bps
    starts_s = wanted.streams / assumed.song_s
    segments_s = wanted.streams / wanted.segment_s
    misses = 1 - hits.requests
    media_s = (segments_s + starts_s * _START_MEDIA) * misses
    manifests_s = starts_s * (_START_MANIFESTS * misses + 1)  # an answer is for one listener
    busy = (
        media_s / measured.media_requests_per_core
        + manifests_s / measured.manifest_requests_per_core
        + starts_s / measured.license_requests_per_core
    )
    encode_s = assumed.song_s * measured.encode_cpu_s_per_s
    month_cdn = cdn_bps / 8 * assumed.mean_to_peak * MONTH_S
    storage = wanted.songs * song_bytes * assumed.copies
    made = {
        "rendition_bytes": {
            name: wanted.songs * size * (1 + twins[name]) for name, size in sizes.items()
        },
        "song_bytes": song_bytes,
        "storage_bytes": storage,
        "archive_bytes": _archive_bytes(wanted, planning),
        "catalog_bytes": wanted.songs * measured.catalog_bytes_per_track,
        "objects": wanted.songs * objects,
        "objects_per_song": objects,
        "daily_bytes": wanted.daily * song_bytes,
        "write_requests_day": wanted.daily * asked.writes,
        "check_requests_day": wanted.daily * asked.checks,
        "segment_requests_s": segments_s,
        "start_requests_s": starts_s * (_START_MANIFESTS + _START_MEDIA + 1),
        "licenses_s": starts_s,
        "media_misses_s": media_s,
        "cdn_bps": cdn_bps,
        "origin_bps": cdn_bps * (1 - hits.bytes),
        "origin_requests_s": media_s + manifests_s + starts_s,
        "hits": hits,
        "encode_cores": wanted.daily * encode_s / _DAY_S / assumed.utilization,
        "reencode_cores": wanted.songs
        * encode_s
        / (wanted.reencode_days * _DAY_S)
        / assumed.utilization,
        "origin_cores": busy / assumed.utilization,
        "month_cdn_bytes": month_cdn,
        "month_origin_bytes": month_cdn * (1 - hits.bytes),
    }
    return Capacity(**made, costs=_costs(made, wanted, planning))  # type: ignore[arg-type]  # a mapping of several types


def kinds_of(ladder: Ladder, planning: Planning) -> dict[str, Kind]:
    """The renditions that are streamed, as a cache sees them."""
    shares = planning.assumed.streams_by_rendition
    return {
        one.name: Kind(shares[one.name], _file_bytes(one, planning))
        for one in ladder.rungs
        if shares.get(one.name)
    }


def _file_bytes(rung: Rung, planning: Planning) -> float:
    bps = rung.bitrate_bps or planning.assumed.flac_bps
    return bps / 8 * planning.assumed.song_s * _OVERHEAD


def _twins(rung: Rung, wanted: Wanted) -> int:
    """Whether there is a second file for HLS AES-128, as there is of AAC and FLAC."""
    return int(wanted.with_aes128 and rung.codec != "opus")


def _files(ladder: Ladder, wanted: Wanted) -> int:
    return sum(1 + _twins(one, wanted) for one in ladder.rungs)


def _objects(ladder: Ladder, wanted: Wanted) -> int:
    """Track files with a playlist each, the multivariant playlists, the MPD, index, covers.json."""
    return _files(ladder, wanted) * 2 + (2 if wanted.with_aes128 else 1) + 3


def put_requests(size: float, part_bytes: int = _PART_BYTES) -> Requests:
    """To bring an object of that many bytes into a bucket, where nothing goes wrong."""
    if size <= 2 * part_bytes:
        return Requests(1.0, 1.0)
    # The parts, their beginning and end, the claim; before them, before the end, and after it.
    return Requests(ceil(size / part_bytes) + 3.0, 3.0)


def _requests(ladder: Ladder, wanted: Wanted, planning: Planning) -> Requests:
    """Of one new song; each one of a release tries to write the cover, which the first one has."""
    small = _objects(ladder, wanted) - _files(ladder, wanted) + _COVER_OBJECTS
    found = put_requests(0) * small
    for one in ladder.rungs:
        found += put_requests(_file_bytes(one, planning)) * (1 + _twins(one, wanted))
    if wanted.archive:
        found += put_requests(_master_bytes(planning))
    return found


def _small_bytes(ladder: Ladder, wanted: Wanted) -> float:
    return (_files(ladder, wanted) + 3) * _MANIFEST_BYTES + _INDEX_BYTES


def _archive_bytes(wanted: Wanted, planning: Planning) -> float:
    if not wanted.archive:
        return 0.0
    return wanted.songs * _master_bytes(planning)


def _master_bytes(planning: Planning) -> float:
    return planning.assumed.master_bps / 8 * planning.assumed.song_s


def _costs(made: Mapping[str, object], wanted: Wanted, planning: Planning) -> dict[str, float]:
    """Each a month, in the currency of the prices."""
    value = {name: one for name, one in made.items() if isinstance(one, float)}
    prices = planning.prices
    days = MONTH_S / _DAY_S
    core_month = prices.core_hour * MONTH_S / 3600
    # As if the origin's own memory held none of them.
    misses = value["media_misses_s"] * planning.assumed.mean_to_peak * MONTH_S
    grown = wanted.daily * days / 2 * value["song_bytes"] * planning.assumed.copies
    return {
        "storage": (value["storage_bytes"] + grown) / _GB * prices.storage_gb_month,
        "masters": value["archive_bytes"] / _GB * prices.archive_gb_month,
        "storage requests": value["write_requests_day"] * days / 1000 * prices.write_requests_1000
        + (value["check_requests_day"] * days + misses) / 1000 * prices.read_requests_1000,
        "CDN traffic": value["month_cdn_bytes"] / _GB * prices.cdn_gb,
        "origin traffic": value["month_origin_bytes"] / _GB * prices.origin_gb,
        "origin servers": value["origin_cores"] * core_month,
        "encoding": value["encode_cores"] * core_month,
    }
