"""What the origin works with, and where the application keeps it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from redis.asyncio import Redis

from catalog.engine import Catalog
from configs.settings import ApiSettings, MonitoringSettings, OriginSettings
from configs.telemetry.series import Family
from drm.access_token import AccessTokens
from drm.audit import Audit, NoAudit
from drm.callers import Callers
from drm.cpix import Recipients
from drm.keyring import Keyring
from drm.playback_token import PlaybackTokens
from drm.provider_tokens import ProviderTokens
from drm.terms import AllTerms
from drm.tiers import Tiers
from drm.vendors import LicenseServers
from origin.auth import PlaybackGrants
from origin.cache import Cache
from origin.counters import Counters
from origin.delivery import AnyRange, Reply
from origin.disk_cache import DiskCache
from origin.editions import Editions
from origin.entitled import EntitledKeys
from origin.entitlement import Entitlements
from origin.forwarded import BaseUrl
from origin.geoip import GeoIp
from origin.job_feed import JobFeed
from origin.key_audit import KeyAudit
from origin.key_rows import KeyRows
from origin.metadata import MetadataCache
from origin.meters import OriginMeters
from origin.monitor import Monitor
from origin.operations import Operations
from origin.outage import Outage
from origin.packages import Availability, Packages
from origin.pieces import Pieces
from origin.play_counts import PlayCounts
from origin.quality import Quality
from origin.rates import OwnCounts, Rates, SharedCounts
from origin.readiness import Readiness
from origin.reloading import Reload
from origin.remembered import Remembered
from origin.resolver import Resolver
from origin.resting import Resting
from origin.shared import Shared
from origin.streams import Streams
from origin.territory import Territories
from origin.uploads.desk import Desk
from origin.uploads.ports import UploadDeps
from origin.watched import WatchedStore
from packager.systems import CLEARKEY_ONLY, KeySystems
from storage.base import ObjectStore

_REPLIES = 16384  # prepared heads, about 1 KiB each; as many segments are 1 GiB
_INDEX_SHARE = 8  # an eighth of the cache's size for parsed package indexes
_MANIFEST_SHARE = 16
_METADATA_SHARE = 8


@dataclass(frozen=True, slots=True)
class OriginDeps:
    """What the composition root hands over. The origin closes none of it."""

    store: ObjectStore
    catalog: Catalog
    keyring: Keyring
    playback_tokens: PlaybackTokens
    access_tokens: AccessTokens
    tiers: Tiers
    settings: OriginSettings
    playback_ttl_s: int
    key_systems: KeySystems = CLEARKEY_ONLY
    audit: Audit = field(default_factory=NoAudit)
    downloads: bool = False  # whether plain files of whole tracks may be fetched
    tenant: str = "default"  # whose the keys are that packagers ask for
    recipients: Recipients | None = None  # certificates that SPEKE encrypts keys to
    provider_tokens: ProviderTokens | None = None  # the service's own identity provider
    own_tokens: bool = True  # whether access tokens of our own are accepted beside those
    licenses: LicenseServers = field(default_factory=LicenseServers)  # of other key systems
    streams: Mapping[str, int] = field(default_factory=dict)  # at most, by subscription
    stream_ttl_s: int = 120
    read_ahead: int = 0  # how many segments are read before they are asked for
    monitoring: MonitoringSettings = field(default_factory=MonitoringSettings)
    reloads: tuple[Reload, ...] = ()  # secrets that may be exchanged while it runs
    offline: tuple[str, ...] = ()  # the subscriptions whose licenses may be kept
    uploads: UploadDeps | None = None  # None: nothing is uploaded here
    api: ApiSettings = field(default_factory=lambda: ApiSettings(rate_per_minute=0))
    redis: Redis | None = None  # what all workers share: counts of requests, metadata
    figures: Callable[[], Sequence[Family]] = tuple  # of what runs beside the workers


class OriginState:
    """The dependencies and everything that one worker remembers."""

    def __init__(self, deps: OriginDeps, shared: Shared) -> None:
        limit = deps.settings.cache_bytes
        self.deps = deps
        self.shared = shared
        self.meters = OriginMeters(shared)
        store = WatchedStore(deps.store, self.meters)
        deps.catalog.watched_by(self.meters.catalog)
        self.grants = PlaybackGrants(deps.playback_tokens)
        own = deps.access_tokens if deps.own_tokens else None
        self.callers = Callers(own, deps.provider_tokens)
        self.outage = Outage(deps.settings.outage_grace_s)
        self.readiness = Readiness(deps.catalog, store, deps.settings.outage_grace_s, deps.redis)
        self.counters = Counters()
        self.pieces = Pieces(
            store,
            limit,
            disk=_disk_cache(deps.settings, self.counters),
            ahead=deps.read_ahead,
            counters=self.counters,
        )
        self.packages = Packages(store, limit // _INDEX_SHARE)
        self.availability = Availability(deps.catalog, self.outage)
        self.editions = Editions(deps.catalog, self.outage)
        self.replies: Cache[tuple[str, str | AnyRange | None], Reply] = Cache(_REPLIES)
        self.key_rows = KeyRows(deps.catalog, deps.keyring, self.outage)
        resting = Resting()
        counts = OwnCounts() if deps.redis is None else SharedCounts(deps.redis, resting)
        self.rates = Rates(counts, deps.api.rate_per_minute, deps.api.rates)
        self.metadata = MetadataCache(
            deps.catalog,
            self.outage,
            deps.redis,
            limit_bytes=limit // _METADATA_SHARE,
            resting=resting,
        )
        self.remembered = Remembered(self.metadata, deps.api)
        self.base_url = BaseUrl(deps.settings.public_url, deps.settings.trusted_proxies)
        self.terms = AllTerms(deps.tiers, streams=deps.streams, offline=deps.offline)
        self.geoip = GeoIp(deps.settings.geoip_file) if deps.settings.geoip_file else None
        self.streams = Streams(deps.catalog, deps.stream_ttl_s, self.outage)
        self.entitlements = Entitlements(
            self.terms,
            self.availability,
            self.editions,
            Territories(self.base_url, deps.settings.country_header, self.geoip),
            self.streams,
        )
        self.plays = PlayCounts(deps.catalog)
        self.job_feed = JobFeed(deps.catalog)
        uploads = deps.uploads
        self.desk = None if uploads is None else Desk(uploads, deps.catalog, deps.tenant)
        self.entitled = EntitledKeys(self.key_rows, self.entitlements)
        self.key_audit = KeyAudit(deps.audit, self.base_url, self.meters)
        self.resolver = Resolver(
            store=store,
            tiers=deps.tiers,
            packages=self.packages,
            availability=self.availability,
            entitlements=self.entitlements,
            systems=deps.key_systems,
            downloads=deps.downloads,
            limit_bytes=limit // _MANIFEST_SHARE,
        )

        self.quality = Quality(
            self.meters.meters, shared.sessions, self.packages.names, deps.monitoring.cdns
        )
        self.meters.requests.note = self.quality.note
        operations = Operations(deps.catalog, deps.store, deps.settings)
        self.monitor = Monitor(shared, self.meters, operations, self.quality, deps.figures)
        self._watch()

    def _watch(self) -> None:
        """Have figures that are kept elsewhere shown, too."""
        self.meters.watch_pools(self.deps.catalog)
        self.meters.watch_pieces(self.counters)
        caches: dict[str, Cache[Any, Any]] = {
            "tokens": self.grants.cache,
            "replies": self.replies,
            "pieces": self.pieces.cache,
            "manifests": self.resolver.manifests,
            "packages": self.packages.cache,
            "rights": self.availability.statuses,
            "metadata": self.metadata.memory,
        }
        for name, cache in caches.items():
            self.meters.watch_cache(name, cache)

    async def close(self) -> None:
        """Stop what still loads."""
        await self.monitor.end()
        await self.pieces.close()
        await self.packages.close()
        await self.availability.close()
        await self.key_rows.close()
        await self.editions.close()
        await self.streams.close()
        await self.metadata.close()
        await self.outage.close()
        await self.plays.close()
        await self.job_feed.close()
        if self.geoip is not None:
            self.geoip.close()


def _disk_cache(settings: OriginSettings, counters: Counters) -> DiskCache | None:
    if settings.disk_cache_path is None:
        return None
    return DiskCache(settings.disk_cache_path, settings.disk_cache_bytes, counters)


STATE: web.AppKey[OriginState] = web.AppKey("state", OriginState)
