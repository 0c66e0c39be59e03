"""A refusal as a page, for whoever opened an address in a browser: the words of the problem."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Final

from aiohttp import hdrs, web

FIELDS: Final[Mapping[str, str]] = {
    hdrs.CONTENT_TYPE: "text/html; charset=utf-8",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # tokens ride in URLs
}
_NOTHING = "There is nothing at this address."
_AGAIN = "Try again in a moment."
_PAGE = """\
<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
    <meta name="color-scheme" content="light dark">
    <title>{title} · Headwater</title>
    <link rel="icon" href="/player/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/player/css/base.css">
    <link rel="stylesheet" href="/player/css/library.css">
  </head>
  <body>
    <header class="top">
      <a class="brand" href="/" aria-label="Headwater, the player">
        <img src="/player/icon.svg" alt="" width="28" height="28">
        <span>Headwater</span>
      </a>
    </header>
    <main class="page refused">
      <p class="hint">{status}</p>
      <h1>{title}</h1>
      <p class="hint">{detail}</p>
      <a class="pill primary" href="/">To the music</a>
    </main>
  </body>
</html>
"""


def is_wanted(request: web.BaseRequest) -> bool:
    """Whether a browser goes to this address, not a part of a page (Fetch Metadata)."""
    return request.headers.get("Sec-Fetch-Mode") == "navigate"


def render(status: int, title: str, detail: str | None, headers: Mapping[str, str]) -> bytes:
    """The page; where the problem says no more than its title, what to think of it."""
    default = _AGAIN if hdrs.RETRY_AFTER in headers else _NOTHING if status == 404 else ""
    said = escape(detail or default)
    return _PAGE.format(status=status, title=escape(title), detail=said).encode()
