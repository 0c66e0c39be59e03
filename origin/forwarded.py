"""Under which URL the world sees this origin."""

from __future__ import annotations

import ipaddress
import re

from aiohttp import hdrs, web

from origin.caller import Caller
from origin.problems import OriginError

_HOST = re.compile(r"(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?", re.ASCII)

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class BaseUrl:
    """The public URL of the settings, else what the request says it was sent to.

    X-Forwarded-Proto and X-Forwarded-Host count only from a trusted proxy; of several values
    the last is the one that this proxy added. ValueError for something that is no CIDR block.
    """

    def __init__(self, public_url: str | None, trusted_proxies: tuple[str, ...]) -> None:
        self._public_url = public_url
        self._trusted: tuple[Network, ...] = tuple(map(ipaddress.ip_network, trusted_proxies))

    def of(self, request: web.BaseRequest) -> str:
        """Scheme and host (and the public URL's path), without a slash at the end."""
        if self._public_url is not None:
            return self._public_url.rstrip("/")
        scheme, host = request.scheme, request.host
        if self._is_trusted(request.remote):
            forwarded = _last(request, hdrs.X_FORWARDED_PROTO)
            scheme = forwarded if forwarded in {"http", "https"} else scheme
            host = _last(request, hdrs.X_FORWARDED_HOST) or host
        if not _HOST.fullmatch(host):
            raise OriginError(400, "bad-host", "The Host header is not a host.")
        return f"{scheme}://{host}"

    def is_from_proxy(self, request: Caller) -> bool:
        """Whether a trusted proxy has sent it, so that its header fields can be believed."""
        return self._is_trusted(request.remote)

    def client(self, request: Caller) -> str:
        """The address of who asks: the nearest one that no trusted proxy vouches for."""
        address = request.remote or ""
        if not self._trusted:
            return address
        chain = ",".join(request.headers.getall(hdrs.X_FORWARDED_FOR, ())).split(",")
        while chain and self._is_trusted(address):
            before = chain.pop().strip()
            if not _is_address(before):
                break
            address = before
        return address

    def _is_trusted(self, remote: str | None) -> bool:
        if remote is None or not self._trusted:
            return False
        try:
            address = ipaddress.ip_address(remote.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(address, "ipv4_mapped", None)
        return any((mapped or address) in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _last(request: web.BaseRequest, name: str) -> str | None:
    """The last element of a list field, or None."""
    values = ",".join(request.headers.getall(name, ()))
    return values.rpartition(",")[2].strip() or None
