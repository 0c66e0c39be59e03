"""Settings as they may be shown: without the secrets in them."""

from __future__ import annotations

import re

_MASK = "***"
# scheme://user:password@host; the user alone is no secret. To the last @ that there is: whoever
# did not escape a password that has one, or a slash, shall not see it either.
_URL_PASSWORD = re.compile(
    r"(?P<before>[a-z][a-z0-9+.-]*://[^/?#\s:]*:).*(?=@)", re.IGNORECASE | re.DOTALL
)
# ...?password=..., as libpq and others allow in a URL's query.
_QUERY_PASSWORD = re.compile(r"(?P<before>[?&](?:password|secret|token)=)[^&#\s]*", re.IGNORECASE)
_SECRET_KEY = re.compile(r"(^|[._])(password|passphrase|secret|secret_key|token)$", re.IGNORECASE)


def shown(key: str, value: object) -> object:
    """Return a setting's value for messages and `config show`, passwords masked."""
    if isinstance(value, dict):
        return {name: shown(f"{key}.{name}", one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(shown(key, one) for one in value)
    if isinstance(value, str):
        if _SECRET_KEY.search(key):
            return _MASK
        return _QUERY_PASSWORD.sub(
            rf"\g<before>{_MASK}", _URL_PASSWORD.sub(rf"\g<before>{_MASK}", value)
        )
    return value
