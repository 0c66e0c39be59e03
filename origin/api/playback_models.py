"""What a player is told of where a track, or a release, is to be had."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from origin.api.catalog_models import Picture
from origin.api.fields import Model, Params, ReleaseId, SessionName, TrackId
from origin.sessions import Quality


class Gapless(Model):
    """What a player cuts, in samples of that timescale."""

    timescale: int = Field(description="Hz.")
    delay: int
    samples: int
    padding: int


class RenditionInfo(Model):
    """One encoding of the track."""

    name: str
    tier: str
    codec: str
    codecs: str = Field(description="RFC 6381.")
    average_bps: int
    sample_rate_hz: int
    channels: int
    bit_depth: int | None
    kid: str | None = Field(description="Of its content key, in hex; null: it is in the clear.")
    gapless: Gapless


class LoudnessInfo(Model):
    """ITU-R BS.1770 and EBU Tech 3342."""

    integrated_lufs: float | None
    range_lu: float | None
    true_peak_dbtp: float | None


class LyricsLink(Model):
    """Lyrics, as WebVTT."""

    language: str
    synced: bool
    url: str


class CoverLink(Picture):
    """The cover in one size."""


class DownloadLink(Model):
    """A plain file of the whole track."""

    tier: str
    format: str
    average_bps: int
    size: int = Field(description="Bytes.")
    url: str


class TrackToPlay(Model):
    """A track, its renditions, and what belongs to it."""

    track_id: TrackId
    revision: str
    title: str
    artists: tuple[str, ...]
    duration_s: float
    renditions: tuple[RenditionInfo, ...]
    loudness: LoudnessInfo | None
    album_loudness: LoudnessInfo | None
    lyrics: tuple[LyricsLink, ...]
    covers: tuple[CoverLink, ...]
    downloads: tuple[DownloadLink, ...]


class Way(Model):
    """Where manifests and licenses are, and until when."""

    tiers: tuple[str, ...] = Field(description="What is opened, the lowest first.")
    hls: str
    hls_identity: str = Field(description="For players that take keys as files.")
    hls_aes128: str | None = Field(description="For players without EME.")
    dash: str
    license: str = Field(description="Of W3C Clear Key.")
    token: str = Field(description="The playback token that is in all of these.")
    expires_at: str = Field(description="RFC 3339.")
    reports: str = Field(description="Where players report what listening was like (CMCD v2).")
    licenses: dict[str, str] = Field(description="License server by key system.")
    fairplay_certificate: str | None
    session: str = Field(description="The stream that this is counted as.")
    renew_within_s: int | None = Field(
        description="Ask again within so many seconds to keep the stream's place; null where "
        "streams are not counted."
    )


class Playback(Way, TrackToPlay):
    """The way to a track."""


class TrackOfRelease(TrackToPlay):
    """A track in a release that is one piece."""

    start_s: float


class ReleasePlayback(Way):
    """The way to a release as one piece."""

    release_id: ReleaseId
    edition: str
    title: str
    artist: str
    duration_s: float
    renditions: tuple[RenditionInfo, ...]
    tracks: tuple[TrackOfRelease, ...]


class SessionBody(Model):
    """Which stream of the account it is; nothing at all is a new one."""

    model_config = ConfigDict(frozen=True, extra="ignore", json_schema_extra={"examples": [{}]})

    session: SessionName | None = None


class OfSession(Params):
    """One of the account's streams."""

    session: SessionName


class StreamQuery(Params):
    """Which track, how good, and as which stream."""

    track_id: TrackId
    quality: Quality = Field(
        default=Quality.HIGH,
        description="`low`: the ladder's lowest tier; `normal`: its lower half; `high`: all. Never "
        "more than the subscription opens: `tiers` of the answer says what it came to.",
    )
    session: SessionName | None = None
