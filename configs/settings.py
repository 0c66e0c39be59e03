"""Every setting, its type, its default and its bounds. `headwater.yaml` shows them commented.

A packaged default, then the YAML file, then `HEADWATER_SECTION__KEY`, then flags: later wins.
Packages are given their own section; nothing reads settings at import time.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from configs.setting_kinds import (
    A_URL,
    URL,
    URL_WITH_QUERY,
    VAULT_PATH,
    Bitrate,
    FilePath,
    Name,
    Network,
    Number,
    Variable,
    Whole,
    is_safe,
)


class Section(BaseModel):
    """A frozen group of settings that refuses keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class IngestSettings(Section):
    """How masters become packages."""

    jobs: Whole | None = Field(default=None, ge=1, le=256)  # side by side; None: one per core
    ladder: FilePath | None = None  # None: the packaged ladder.yaml
    segment_s: Number = Field(default=4.0, ge=1.0, le=10.0)
    scheme: Literal["cbcs", "cenc", "clear"] = "cbcs"
    # A second file per rendition, whole segments encrypted: HLS players without EME need it.
    aes128: bool = True
    max_duration_s: Whole = Field(default=6 * 3600, ge=1)
    max_fetched_bytes: Whole = Field(default=32 << 30, ge=1)  # of a master in a bucket
    max_cover_bytes: Whole = Field(default=20 << 20, ge=1024)
    progressive: Literal["none", "m4a", "mp3"] = "none"
    progressive_bps: dict[Name, Bitrate] = {"standard": 128_000, "premium": 320_000}
    temp: FilePath | None = None  # None: HOME/tmp
    archive: Literal["none", "keep", "tier", "delete"] = "none"  # of the masters themselves
    archive_days: Whole = Field(default=90, ge=0, le=36500)  # until they are moved, or deleted
    archive_path: FilePath | None = None  # where `tier` moves them

    @model_validator(mode="after")
    def _the_archive_has_a_place(self) -> Self:
        if self.archive == "tier" and self.archive_path is None:
            msg = "archive tier needs archive_path, a folder of slower storage"
            raise ValueError(msg)
        return self


class FfmpegSettings(Section):
    """Which ffmpeg runs. None: the newest found on the system or in a PyPI wheel."""

    ffmpeg: FilePath | None = None
    ffprobe: FilePath | None = None
    sandbox: Literal["auto", "required", "off"] = "auto"  # bubblewrap around both


_BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
_PREFIX = r"^$|^[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}){0,3}$"


class StorageSettings(Section):
    """Where objects rest: a folder, or a bucket of an S3-compatible server."""

    kind: Literal["local", "s3"] = "local"
    path: FilePath | None = None  # None: HOME/storage
    endpoint: str | None = Field(  # None: Amazon's
        default=None,
        pattern=r"^https?://[^/?#\s@]+/?$",
        description="a URL like https://s3.example.com, without a path and a password",
    )
    bucket: str | None = Field(
        default=None, pattern=_BUCKET, description="a bucket's name like headwater-media"
    )
    prefix: str = Field(
        default="", pattern=_PREFIX, description="a folder's name like headwater, without / around"
    )
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,32}$")
    addressing: Literal["auto", "path", "virtual"] = "auto"
    credentials_file: FilePath | None = None  # None: as AWS tools find theirs
    ca_file: FilePath | None = None
    sse: Literal["none", "s3", "kms"] = "none"
    sse_kms_key: str | None = Field(default=None, min_length=1, max_length=2048)
    part_bytes: Whole = Field(default=8 << 20, ge=5 << 20, le=512 << 20)
    parallel_parts: Whole = Field(default=4, ge=1, le=64)
    connections: Whole = Field(default=32, ge=1, le=1024)
    timeout_s: Number = Field(default=20.0, ge=1, le=300)
    retry_s: Number = Field(default=60.0, ge=0, le=3600)
    origin_retry_s: Number = Field(default=5.0, ge=0, le=60)

    @model_validator(mode="after")
    def _a_bucket_is_named(self) -> Self:
        if self.kind == "s3" and self.bucket is None:
            msg = "kind s3 needs bucket, like headwater-media"
            raise ValueError(msg)
        if self.sse_kms_key is not None and self.sse != "kms":
            msg = "sse_kms_key needs sse: kms"
            raise ValueError(msg)
        return self


_CATALOG_URL = r"^(sqlite\+aiosqlite:///.+|postgresql\+psycopg://[^\s]+)$"
_A_CATALOG_URL = (
    "a URL like sqlite+aiosqlite:////srv/headwater/catalog.db or "
    "postgresql+psycopg://headwater@db.example.com/headwater"
)


class HousekeepingSettings(Section):
    """What `headwater gc` lets be."""

    revision_grace_s: Whole = Field(default=7 * 86400, ge=0)  # since it was current
    orphan_age_s: Whole = Field(default=86400, ge=60)  # since it was written


class CatalogSettings(Section):
    """The database."""

    url: str | None = Field(  # None: SQLite at HOME/catalog.db
        default=None, pattern=_CATALOG_URL, description=_A_CATALOG_URL
    )
    replica_url: str | None = Field(  # None: the origin reads where everybody writes
        default=None,
        pattern=r"^postgresql\+psycopg://[^\s]+$",
        description="a URL like postgresql+psycopg://headwater@replica.example.com/headwater",
    )
    connections: Whole = Field(default=10, ge=1, le=1000)  # per process and server
    connect_timeout_s: Number = Field(default=10.0, ge=1, le=600)
    statement_timeout_s: Number = Field(default=60.0, ge=0, le=86400)  # 0: none

    @model_validator(mode="after")
    def _a_replica_has_a_primary(self) -> Self:
        if self.replica_url is not None and not (self.url or "").startswith("postgresql"):
            msg = "replica_url needs url, the primary server that it is a replica of"
            raise ValueError(msg)
        return self


class KeySystemSettings(Section):
    """Other vendors' key systems that manifests speak to, beside Clear Key."""

    widevine: bool = False
    widevine_provider: str = Field(default="", max_length=64)
    playready: bool = False
    playready_la_url: str = Field(default="", max_length=1024)
    fairplay: bool = False


_CLAIM = r"^[^\s/][^\s]{0,127}$|^(/[^\s/]{1,64}){1,8}$"
_A_CLAIM = "a claim's name like sub, or a path like /realm/plan"


class IdentitySettings(Section):
    """Whose access tokens are accepted beside our own: those of the service's provider."""

    jwks_url: str | None = Field(  # None: only our own
        default=None, pattern=URL_WITH_QUERY, description=A_URL
    )
    issuer: str = ""
    audience: str = ""
    algorithms: tuple[Literal["RS256", "ES256", "EdDSA"], ...] = ("RS256", "ES256", "EdDSA")
    types: tuple[Literal["at+jwt", "jwt", ""], ...] = ("at+jwt",)  # of `typ`; "": it has none
    subject_claim: str = Field(default="sub", pattern=_CLAIM, description=_A_CLAIM)
    subscription_claim: str = Field(default="subscription", pattern=_CLAIM, description=_A_CLAIM)
    default_subscription: Name | None = None  # of a token that names none; None: it is refused
    scopes_claim: str | None = Field(default="scope", pattern=_CLAIM, description=_A_CLAIM)
    country_claim: str | None = Field(default=None, pattern=_CLAIM, description=_A_CLAIM)
    stale_s: Whole = Field(default=21600, ge=0, le=7 * 86400)  # while it does not answer
    own_tokens: bool = True  # whether ours are accepted, too

    @model_validator(mode="after")
    def _it_is_pinned(self) -> Self:
        if self.jwks_url is None:
            return self
        if not self.issuer or not self.audience or not self.algorithms or not self.types:
            msg = "jwks_url needs issuer, audience, algorithms and types: what its tokens say"
            raise ValueError(msg)
        if not is_safe(self.jwks_url):
            msg = "jwks_url: keys are asked for over https (or of this machine)"
            raise ValueError(msg)
        return self


class LicenseSettings(Section):
    """Licenses of other key systems than Clear Key: whose, and how they are asked for."""

    widevine: Literal["none", "google", "axinom", "token"] = "none"
    widevine_url: str | None = Field(default=None, pattern=URL_WITH_QUERY, description=A_URL)
    playready: Literal["none", "axinom", "token"] = "none"
    playready_url: str | None = Field(default=None, pattern=URL_WITH_QUERY, description=A_URL)
    fairplay: Literal["none", "axinom", "token"] = "none"
    fairplay_url: str | None = Field(default=None, pattern=URL_WITH_QUERY, description=A_URL)
    fairplay_certificate: FilePath | None = None
    google_provider: str = Field(default="", pattern=r"^[A-Za-z0-9._-]{0,64}$")
    google_key_file: FilePath | None = None  # 0600
    axinom_key_id: str = Field(default="", pattern=r"^[0-9A-Fa-f-]{0,36}$")
    axinom_key_file: FilePath | None = None  # 0600
    token_header: str = Field(default="X-Drm-UserToken", pattern=r"^[A-Za-z0-9-]{1,64}$")
    token_key_file: FilePath | None = None  # 0600
    duration_s: Whole = Field(default=86400, ge=60, le=31 * 86400)
    offline_duration_s: Whole = Field(default=30 * 86400, ge=60, le=366 * 86400)
    timeout_s: Number = Field(default=5.0, gt=0, le=30)
    failures: Whole = Field(default=5, ge=1, le=1000)  # in a row; then it is left alone
    pause_s: Number = Field(default=10.0, ge=1, le=600)  # for so long

    @model_validator(mode="after")
    def _a_vendor_has_what_it_needs(self) -> Self:
        needs = {
            "google": ("google_provider", "google_key_file"),
            "axinom": ("axinom_key_id", "axinom_key_file"),
            "token": ("token_key_file",),
        }
        for system in ("widevine", "playready", "fairplay"):
            vendor, url = getattr(self, system), getattr(self, f"{system}_url")
            if vendor == "none":
                continue
            for name in (f"{system}_url", *needs[vendor]):
                if not getattr(self, name):
                    msg = f"{system} {vendor} needs {name}"
                    raise ValueError(msg)
            if not is_safe(url):
                msg = f"{system}_url: licenses are asked for over https (or of this machine)"
                raise ValueError(msg)
        return self


KekPlace = Literal["local", "env", "aws", "vault"]


class DrmSettings(Section):
    """Keys, and which subscription opens which tiers."""

    systems: KeySystemSettings = KeySystemSettings()

    key_provider: Literal["local", "speke"] = "local"  # who makes new content keys
    speke_url: str | None = Field(default=None, pattern=URL, description=A_URL)  # the vendor's
    speke_version: Literal["2.0", "2.1"] = "2.0"
    speke_token_file: FilePath | None = None  # 0600: the vendor's token, read for each request
    # Ours: keys have to come encrypted to it. None: in the clear inside TLS.
    speke_certificate: FilePath | None = None
    speke_key: FilePath | None = None
    speke_recipients: tuple[FilePath, ...] = ()  # who may have keys of our server encrypted
    kek_provider: KekPlace = "local"  # where the KEK is that new keys are wrapped by
    kek_older_providers: tuple[KekPlace, ...] = ()  # where others are, that open what they wrapped
    kek_file: FilePath | None = None  # None: HOME/kek.json, made (0600) at first use
    kek_variable: Variable = "KEK_HEADWATER"
    kek_aws_keys: tuple[str, ...] = ()  # the first wraps, the others open
    kek_aws_region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{1,32}$")
    kek_aws_endpoint: str | None = Field(default=None, pattern=URL, description=A_URL)
    kek_vault_url: str | None = Field(default=None, pattern=URL, description=A_URL)
    kek_vault_mount: str = Field(default="transit", pattern=VAULT_PATH)
    kek_vault_key: str = Field(default="headwater", pattern=VAULT_PATH)
    kek_vault_namespace: str = Field(default="", pattern=r"^[A-Za-z0-9._/-]{0,256}$")
    kek_vault_token_file: FilePath | None = None  # None: the variable VAULT_TOKEN
    audit: Literal["required", "best_effort", "off"] = "required"
    audit_file: FilePath | None = None  # None: HOME/audit.json (0600): the key that seals it
    token_file: FilePath | None = None  # None: HOME/tokens.json (0600): token signing keys
    cat_file: FilePath | None = None  # (0600): keys of Common Access Tokens; None: none are taken
    playback_form: Literal["compact", "cat"] = "compact"  # of the playback tokens that we issue
    subscriptions: dict[Name, tuple[Name, ...]] = {
        "free": ("standard",),
        "premium": ("standard", "premium", "lossless"),
    }
    # How many streams an account of a subscription may play at the same time; none here: any.
    streams: dict[Name, Annotated[Whole, Field(ge=1, le=1000)]] = {}
    stream_ttl_s: Whole = Field(default=120, ge=5, le=86400)  # how long one lasts unrenewed
    offline: tuple[Name, ...] = ()  # the subscriptions whose licenses may be kept
    playback_ttl_s: Whole = Field(default=3600, ge=5, le=86400)
    access_ttl_s: Whole = Field(default=86400, ge=60)
    issuer: str = Field(default="headwater", min_length=1)
    audience: str = Field(default="headwater", min_length=1)

    @model_validator(mode="after")
    def _tokens_have_keys(self) -> Self:
        if self.playback_form == "cat" and self.cat_file is None:
            msg = "playback_form cat needs cat_file, the file with its keys"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _a_kek_is_named(self) -> Self:
        places = {self.kek_provider, *self.kek_older_providers}
        if "aws" in places and not self.kek_aws_keys:
            msg = "kek_provider aws needs kek_aws_keys, the ARN of a KMS key"
            raise ValueError(msg)
        if "vault" in places and self.kek_vault_url is None:
            msg = "kek_provider vault needs kek_vault_url, like https://vault.example.com:8200"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _terms_are_of_subscriptions(self) -> Self:
        for key, names in (("streams", tuple(self.streams)), ("offline", self.offline)):
            for name in names:
                if name not in self.subscriptions:
                    msg = f"{key}: {name!r} is none of the subscriptions"
                    raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _a_vendor_is_named(self) -> Self:
        systems = self.systems
        if self.key_provider == "speke" and self.speke_url is None:
            msg = "key_provider speke needs speke_url, like https://keys.example.com/speke"
            raise ValueError(msg)
        is_any = systems.widevine or systems.playready or systems.fairplay
        if self.key_provider == "speke" and not is_any:
            msg = "key_provider speke needs one of systems.widevine, .playready and .fairplay"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _keys_travel_safely(self) -> Self:
        if (self.speke_certificate is None) != (self.speke_key is None):
            msg = "speke_certificate and speke_key go together: set both or neither"
            raise ValueError(msg)
        if not is_safe(self.speke_url or "https:"):
            msg = "speke_url: keys are asked for over https (or of this machine)"
            raise ValueError(msg)
        return self


class OriginSettings(Section):
    """The HTTP server."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: Whole = Field(default=8080, ge=0, le=65535)
    workers: Whole = Field(default=1, ge=1, le=64)
    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*[^/?#\s])?$",
        description="a URL like https://music.example.com, without a slash at its end",
    )
    trusted_proxies: tuple[Network, ...] = ()  # whose X-Forwarded-* are believed
    # Where requests come from: what a trusted proxy says in this header, else this database.
    country_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="a header's name like CF-IPCountry",
    )
    geoip_file: FilePath | None = None  # MMDB
    tls_certificate: FilePath | None = None
    tls_key: FilePath | None = None
    tls_minimum: Literal["1.2", "1.3"] = "1.2"
    edge_answer_s: Whole = Field(default=30, ge=1, le=55)  # takedowns show within 60 s
    cache_bytes: Whole = Field(default=256 << 20, ge=1 << 20)
    disk_cache_path: FilePath | None = None  # a second level, for a store that is far away
    disk_cache_bytes: Whole = Field(default=10 << 30, ge=64 << 20)
    read_ahead: Whole | None = Field(default=None, ge=0, le=8)  # None: 1 for a bucket, else 0
    # Where an nginx in front finds the storage's files itself: an internal location of its own.
    accel_redirect: str | None = Field(
        default=None,
        pattern=r"^/[A-Za-z0-9/_-]*/$",
        description="a path like /stored/, with a slash at each end",
    )
    drain_delay_s: Number = Field(default=0.0, ge=0, le=600)
    shutdown_grace_s: Number = Field(default=30.0, ge=0)
    outage_grace_s: Number = Field(default=300.0, ge=0, le=86400)
    # Of each worker, at a time.
    max_connections: Whole = Field(default=8192, ge=1)
    max_requests: Whole = Field(default=1024, ge=1)
    max_unsent_bytes: Whole = Field(default=256 << 20, ge=1 << 20)
    # Of a client for its part.
    header_timeout_s: Number = Field(default=10.0, gt=0, le=3600)
    body_timeout_s: Number = Field(default=10.0, gt=0, le=3600)
    send_timeout_s: Number = Field(default=60.0, gt=0, le=3600)

    @model_validator(mode="after")
    def _nginx_is_known(self) -> Self:
        if self.accel_redirect is not None and not self.trusted_proxies:
            msg = "accel_redirect needs trusted_proxies, the addresses of the nginx that reads it"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _somebody_is_believed(self) -> Self:
        if self.country_header is not None and not self.trusted_proxies:
            msg = "country_header needs trusted_proxies: it is believed from nobody else"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _certificate_and_key_go_together(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            msg = "tls_certificate and tls_key go together: set both or neither"
            raise ValueError(msg)
        return self


class ApiSettings(Section):
    """The JSON API of the origin: how often it may be asked, and what it remembers."""

    rate_per_minute: Whole = Field(default=100, ge=0)  # of an account or an address; 0: any
    rates: dict[Name, Annotated[Whole, Field(ge=0)]] = {"premium": 1000}  # of subscriptions
    timeout_s: Number = Field(default=30.0, gt=0, le=600)
    redis_url: str | None = Field(  # None: each worker counts and remembers for itself
        default=None,
        pattern=r"^rediss?://[^/\s]+(/[0-9]{1,3})?$",
        description="a URL like redis://:password@redis.example.com/0",
    )
    song_ttl_s: Whole = Field(default=3600, ge=0, le=86400)
    trending_ttl_s: Whole = Field(default=300, ge=0, le=86400)
    autocomplete_ttl_s: Whole = Field(default=86400, ge=0, le=7 * 86400)


class JobSettings(Section):
    """Who does the work of an ingest, how often it is tried, and what it waits for."""

    executor: Literal["local", "celery"] = "local"
    broker_url: str | None = Field(
        default=None,
        pattern=r"^(amqps?|rediss?)://[^/\s]+(/[^\s]*)?$",
        description="a URL like amqp://user:password@rabbitmq:5672/headwater or redis://redis/0",
    )
    attempts: Whole = Field(default=5, ge=1, le=100)
    backoff_s: Number = Field(default=10.0, ge=0, le=3600)  # doubled after each attempt
    backoff_max_s: Number = Field(default=900.0, ge=0, le=86400)
    lease_s: Number = Field(default=60.0, ge=1, le=3600)
    sweep_s: Number = Field(default=15.0, ge=1, le=3600)
    # Longer than the longest track takes: a broker delivers again what is not done by then.
    delivery_timeout_s: Whole = Field(default=6 * 3600, ge=60, le=7 * 86400)
    min_free_bytes: Whole = Field(default=1 << 30, ge=0)
    embedded: bool = True  # whether `headwater serve` does jobs, too (executor local)

    @model_validator(mode="after")
    def _a_broker_is_named(self) -> Self:
        if self.executor == "celery" and self.broker_url is None:
            msg = "executor celery needs broker_url, like amqp://user:password@rabbitmq:5672/"
            raise ValueError(msg)
        return self


class MonitoringSettings(Section):
    """What operators see: figures, the log, traces."""

    host: str = Field(default="127.0.0.1", min_length=1)
    port: Whole | None = Field(default=None, ge=0, le=65535)  # None: no address of its own
    worker_port: Whole | None = Field(default=None, ge=1, le=65535)  # of `headwater worker`
    public: bool = False  # whether listeners' address answers /metrics, too
    log: Literal["text", "json"] = "text"
    traces_url: str | None = Field(default=None, pattern=URL, description=A_URL)  # OTLP, by HTTP
    traces_ratio: Number = Field(default=0.01, ge=0, le=1)
    cdns: dict[Name, tuple[Annotated[str, Field(min_length=1, max_length=255)], ...]] = {}


class PurgeSettings(Section):
    """A cache that is told when a track is taken away."""

    kind: Literal["fastly", "cloudflare", "nginx", "varnish"]
    url: str = Field(pattern=URL, description=A_URL)
    token_file: FilePath | None = None
    token_variable: Variable | None = None

    @property
    def needs_secret(self) -> bool:
        """Whether it takes requests with credentials only."""
        return self.kind in {"fastly", "cloudflare"}

    @model_validator(mode="after")
    def _a_token_is_named(self) -> Self:
        given = [one for one in (self.token_file, self.token_variable) if one is not None]
        if self.needs_secret and len(given) != 1:
            msg = f"{self.kind} needs a token: token_file or token_variable"
            raise ValueError(msg)
        if not self.needs_secret and given:
            msg = f"{self.kind} takes no token: it looks at who asks"
            raise ValueError(msg)
        if self.token_file is not None and not self.token_file.is_absolute():
            msg = "token_file has to be an absolute path"
            raise ValueError(msg)
        if self.needs_secret and not is_safe(self.url):
            msg = "url has to be https: a token goes there"
            raise ValueError(msg)
        return self


class EdgeSettings(Section):
    """The caches before the origin."""

    purge: tuple[PurgeSettings, ...] = ()
    purge_timeout_s: Number = Field(default=10.0, gt=0, le=60)


_CLAMD = r"^(unix:/[^\x00]{1,107}|tcp:[A-Za-z0-9._-]{1,253}:[0-9]{1,5})$"


class UploadLimits(Section):
    """What a label may send in."""

    max_bytes: Whole = Field(default=2 << 30, ge=1)  # one master
    day_bytes: Whole = Field(default=100 << 30, ge=1)  # announced in 24 hours
    day_uploads: Whole = Field(default=20_000, ge=1)  # begun in 24 hours, however they ended
    concurrent: Whole = Field(default=20, ge=1, le=10_000)  # begun, not whole, not expired


class LabelLimits(Section):
    """Where a label's limits are others than everybody's."""

    max_bytes: Whole | None = Field(default=None, ge=1)
    day_bytes: Whole | None = Field(default=None, ge=1)
    day_uploads: Whole | None = Field(default=None, ge=1)
    concurrent: Whole | None = Field(default=None, ge=1, le=10_000)


class UploadSettings(Section):
    """Masters that labels send to the origin."""

    enabled: bool = True
    path: FilePath | None = None  # None: HOME/uploads
    limits: UploadLimits = UploadLimits()
    labels: dict[Annotated[str, Field(min_length=1, max_length=200)], LabelLimits] = {}
    form_bytes: Whole = Field(default=64 << 20, ge=1)  # of a form's file
    expires_s: Whole = Field(default=86400, ge=60, le=31 * 86400)  # since the last bytes came
    idle_s: Number = Field(default=60.0, ge=1, le=3600)  # until a silent client is given up
    keep_s: Whole = Field(default=7 * 86400, ge=0)  # the master of a job that failed
    recheck_s: Number = Field(default=300.0, ge=1, le=86400)  # whole ones that have no job yet
    queue: Literal["hot", "bulk"] = "hot"
    title_characters: Whole = Field(default=300, ge=1, le=1000)
    min_duration_s: Number = Field(default=1.0, ge=0)
    max_duration_s: Number = Field(default=3 * 3600.0, gt=0)
    genres: tuple[str, ...] = ()  # that are allowed; none: any
    required: tuple[Literal["title", "artist", "album", "genre", "isrc", "date", "label"], ...] = ()
    clamd: str | None = Field(
        default=None,
        pattern=_CLAMD,
        description="where clamd listens, unix:/run/clamav/clamd.ctl or tcp:host:3310",
    )

    def limits_of(self, label: str) -> UploadLimits:
        """Everybody's limits, with a label's own in their place."""
        own = self.labels.get(label)
        return self.limits.model_copy(update=own.model_dump(exclude_none=True) if own else {})


class Settings(Section):
    """The whole tree."""

    home: FilePath = Path(".headwater")
    tenant: Name = "default"
    ingest: IngestSettings = IngestSettings()
    ffmpeg: FfmpegSettings = FfmpegSettings()
    storage: StorageSettings = StorageSettings()
    catalog: CatalogSettings = CatalogSettings()
    jobs: JobSettings = JobSettings()
    uploads: UploadSettings = UploadSettings()
    drm: DrmSettings = DrmSettings()
    identity: IdentitySettings = IdentitySettings()
    licenses: LicenseSettings = LicenseSettings()
    origin: OriginSettings = OriginSettings()
    edge: EdgeSettings = EdgeSettings()
    api: ApiSettings = ApiSettings()
    monitoring: MonitoringSettings = MonitoringSettings()
    housekeeping: HousekeepingSettings = HousekeepingSettings()

    @model_validator(mode="after")
    def _nginx_finds_files(self) -> Self:
        if self.origin.accel_redirect is not None and self.storage.kind != "local":
            msg = "origin.accel_redirect needs storage.kind local: nginx sends files"
            raise ValueError(msg)
        return self

    @model_validator(mode="after")
    def _rates_are_of_subscriptions(self) -> Self:
        if "rates" in self.api.model_fields_set:  # the default's need not be theirs
            for name in self.api.rates:
                if name not in self.drm.subscriptions:
                    msg = f"api.rates: {name!r} is none of drm.subscriptions"
                    raise ValueError(msg)
        return self
