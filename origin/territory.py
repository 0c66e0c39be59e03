"""Where a request comes from: what a trusted proxy or CDN says, else a GeoIP database."""

from __future__ import annotations

from drm.territories import territory
from origin.caller import Caller
from origin.forwarded import BaseUrl
from origin.geoip import GeoIp


class Territories:
    """Territories of requests, by the settings of one origin."""

    def __init__(self, forwarded: BaseUrl, header: str | None, geoip: GeoIp | None) -> None:
        self._forwarded = forwarded
        self._header = header
        self._geoip = geoip

    def of(self, request: Caller) -> str | None:
        """ISO 3166-1 alpha-2; None for unknown.

        The header counts only from a trusted proxy, and only once: a second one may be the
        client's own. Where the proxy does not know, the database may.
        """
        if self._header is not None and self._forwarded.is_from_proxy(request):
            said = request.headers.getall(self._header, ())
            if len(said) == 1 and (found := territory(said[0])) is not None:
                return found
        if self._geoip is None:
            return None
        return self._geoip.country(self._forwarded.client(request))
