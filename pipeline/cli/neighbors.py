"""What `headwater doctor` says of the servers that settings may name: broker, Redis, ClamAV."""

from __future__ import annotations

import asyncio

from redis.exceptions import RedisError

from configs.settings import Settings
from pipeline.clamd import Clamd, ScannerAway
from pipeline.cli.redis import open_redis
from pipeline.cli.services import examine_services
from pipeline.errors import BrokerUnavailable
from pipeline.housekeeping.doctor import Finding, fail, ok, warn


async def examine_neighbors(settings: Settings) -> list[Finding]:
    """A line for each that is named."""
    findings = []
    if settings.jobs.executor == "celery":
        findings.append(await _broker(settings))
    if settings.api.redis_url is not None:
        findings.append(await _redis(settings.api.redis_url))
    if settings.uploads.enabled and settings.uploads.clamd is not None:
        findings.append(await _clamd(settings.uploads.clamd))
    return [*findings, *await examine_services(settings)]


async def _broker(settings: Settings) -> Finding:
    try:
        from pipeline.executors.celery import reach  # noqa: PLC0415 - an extra

        await asyncio.to_thread(reach, settings.jobs)
    except ModuleNotFoundError as exc:
        return fail("broker", f"{exc.name} is not installed", "`pip install headwater[celery]`")
    except BrokerUnavailable as exc:
        return fail("broker", str(exc), "jobs wait in the catalog until it is back")
    return ok("broker", "it answers")


async def _redis(url: str) -> Finding:
    try:
        async with open_redis(url) as redis:
            if redis is not None:
                await redis.echo("headwater")
    except (RedisError, OSError, TimeoutError) as exc:
        said = f"Redis does not answer: {str(exc) or type(exc).__name__}"
        return warn("redis", said, "each worker counts and remembers for itself until it does")
    return ok("redis", "it answers")


async def _clamd(address: str) -> Finding:
    try:
        await Clamd(address).ping()
    except ScannerAway as exc:
        return fail("clamd", str(exc), "start it: no upload is taken without it")
    return ok("clamd", "it answers")
