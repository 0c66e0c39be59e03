"""What `headwater doctor` says of the services that settings may name: identity, licenses, keys.

`/readyz` does not ask them: they are the same for every origin, and what they gave is remembered.
"""

from __future__ import annotations

from configs.settings import IdentitySettings, LicenseSettings, Settings
from drm.errors import SecretUnavailable
from drm.http_client import HttpClient, HttpFailed
from drm.jwks import InvalidKeySet
from drm.provider_keys import read_keys
from pipeline.cli.license_servers import open_license_servers
from pipeline.housekeeping.doctor import Finding, fail, ok

_PATIENCE_S = 5.0
_AWAY = frozenset({502, 503, 504})  # somebody before it answers: RFC 9110, 15.6


async def examine_services(settings: Settings) -> list[Finding]:
    """A line for each that is named."""
    findings = await _licenses(settings.licenses)
    jwks_url = settings.identity.jwks_url
    speke_url = settings.drm.speke_url if settings.drm.key_provider == "speke" else None
    if jwks_url is None and speke_url is None:
        return findings
    from origin.outbound import OutboundClient  # noqa: PLC0415 - slow to load, rarely needed

    async with OutboundClient() as http:
        if jwks_url is not None:
            findings.append(await _identity(http, jwks_url, settings.identity))
        if speke_url is not None:
            remedy = "new tracks wait until it makes their keys"
            findings.append(await _reached("speke", http, speke_url, remedy))
    return findings


async def _licenses(settings: LicenseSettings) -> list[Finding]:
    """Each vendor's address, asked for nothing: only a device can ask for a license."""
    findings = []
    try:
        async with open_license_servers(settings) as servers:
            for system in servers.systems():
                proxy = servers.of(system)
                if proxy is not None:
                    remedy = "no licenses of this system until it answers"
                    findings.append(await _reached(system, proxy.http, proxy.url, remedy))
    except SecretUnavailable as exc:
        findings.append(fail("licenses", f"{exc.place}: {exc.problem}", exc.remedy))
    return findings


async def _identity(http: HttpClient, url: str, settings: IdentitySettings) -> Finding:
    try:
        answer = await http.request("GET", url, {"Accept": "application/json"}, None, _PATIENCE_S)
        found = read_keys(answer, settings.algorithms)
    except (HttpFailed, InvalidKeySet) as exc:
        return fail("identity", str(exc), "its tokens are refused once its keys are too old")
    return ok("identity", f"it answers: {len(found)} keys")


async def _reached(part: str, http: HttpClient, url: str, remedy: str) -> Finding:
    """Whether anybody is there; a refusal is an answer, too."""
    try:
        answer = await http.request("GET", url, {}, None, _PATIENCE_S)
    except HttpFailed as exc:
        return fail(part, str(exc), remedy)
    if answer.status in _AWAY:
        return fail(part, f"status {answer.status}", remedy)
    return ok(part, "it answers")
