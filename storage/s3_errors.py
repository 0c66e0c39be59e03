"""What went wrong between us and an S3 server, said so that an operator can mend it.

No text of a server or a library gets into a message: it may repeat what it was given.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime

from storage.bucket import ABSENT, OUTSIDE, TAKEN, UPLOAD_GONE, S3Failure

UNREACHABLE = "Unreachable"
CUT_OFF = "CutOff"
TIMED_OUT = "TimedOut"
BAD_CERTIFICATE = "BadCertificate"
NO_TLS = "NoTls"
NO_CREDENTIALS = "NoCredentials"
UNREADABLE = "UnreadableAnswer"
FORBIDDEN = "Forbidden"  # a 403 without a body
ALTERED = "Altered"

_SET_CREDENTIALS = "check storage.credentials_file, or AWS_ACCESS_KEY_ID and what belongs to it"
_SET_REGION = "set storage.region to the bucket's"
_DEEPEST = 30  # errors within an error


@dataclass(frozen=True, slots=True)
class _Known:
    cause: str
    remedy: str
    transient: bool = False


_ALTERED = _Known("bytes were altered on the way", "try again", transient=True)
_KNOWN = {
    ABSENT: _Known("there is no such object", ""),
    TAKEN: _Known("there is another object by that name", ""),
    OUTSIDE: _Known("the range is outside of the object", ""),
    # Not by the same request: it stays gone. Whoever sends the whole object again may succeed.
    UPLOAD_GONE: _Known("the upload is gone", "try again"),
    "NoSuchBucket": _Known("there is no such bucket", "make it, or set storage.bucket"),
    "InvalidBucketName": _Known("that is no name of a bucket", "set storage.bucket"),
    "InvalidAccessKeyId": _Known("the access key is not known there", _SET_CREDENTIALS),
    "SignatureDoesNotMatch": _Known("the secret key is wrong", _SET_CREDENTIALS),
    "ExpiredToken": _Known("the credentials have expired", _SET_CREDENTIALS),
    "InvalidToken": _Known("the session token is wrong", _SET_CREDENTIALS),
    NO_CREDENTIALS: _Known("there are no credentials", _SET_CREDENTIALS),
    "AccessDenied": _Known("access denied", "let these credentials read, write, list and delete"),
    FORBIDDEN: _Known("access denied", "let these credentials read, write, list and delete"),
    "AllAccessDisabled": _Known("the bucket is locked", "ask whoever runs the server"),
    "RequestTimeTooSkewed": _Known("the clocks differ too much", "set this machine's clock"),
    "AuthorizationHeaderMalformed": _Known("the bucket is in another region", _SET_REGION),
    "PermanentRedirect": _Known("the bucket is in another region", _SET_REGION),
    "Redirect": _Known("the bucket is in another region", _SET_REGION),
    "IllegalLocationConstraintException": _Known("the bucket is in another region", _SET_REGION),
    "QuotaExceeded": _Known("the quota is used up", "raise it, or make room"),
    "EntityTooSmall": _Known("the server wants larger parts", "raise storage.part_bytes"),
    "EntityTooLarge": _Known("the server takes no object of this size", "raise its limit"),
    "NotImplemented": _Known("the server cannot do that", "use another one"),
    "InvalidEncryptionAlgorithmError": _Known("it cannot encrypt so", "set storage.sse"),
    "KMS.NotFoundException": _Known("there is no such KMS key", "set storage.sse_kms_key"),
    "KMS.DisabledException": _Known("the KMS key is disabled", "enable it"),
    BAD_CERTIFICATE: _Known("its certificate is not trusted", "set storage.ca_file"),
    NO_TLS: _Known("no TLS can be agreed on", "https or http? check storage.endpoint"),
    # What may be over in a moment.
    UNREACHABLE: _Known("nobody answers there", "check storage.endpoint", transient=True),
    CUT_OFF: _Known("the connection was cut", "try again", transient=True),
    TIMED_OUT: _Known("no answer in time", "try again", transient=True),
    UNREADABLE: _Known("the answer is not S3's", "check storage.endpoint", transient=True),
    "BadDigest": _ALTERED,
    "XAmzContentSHA256Mismatch": _ALTERED,
    "IncompleteBody": _Known("the connection was cut", "try again", transient=True),
    "RequestTimeout": _Known("no answer in time", "try again", transient=True),
    "SlowDown": _Known("the server wants fewer requests", "try again later", transient=True),
    "ConditionalRequestConflict": _Known("somebody else writes it", "try again", transient=True),
    "OperationAborted": _Known("somebody else changes it", "try again", transient=True),
}  # fmt: skip


def failure(place: str, code: str, status: int | None = None, date: str | None = None) -> S3Failure:
    """Make the error of an answer: S3's code, the HTTP status, the server's Date."""
    known = _KNOWN.get(code)
    if known is None:
        return _unknown(place, code, status)
    cause = known.cause
    if code == "RequestTimeTooSkewed" and (minutes := _skew(date)) is not None:
        cause = f"this machine's clock is {abs(minutes):.0f} min {_direction(minutes)}"
    remedy = f" ({known.remedy})" if known.remedy else ""
    return S3Failure(f"{place}: {cause}{remedy}", code, transient=known.transient)


def tls_code(exc: BaseException) -> str:
    """Whether it is the certificate, or TLS at all, that a library's SSL error is about."""
    seen: list[object] = [exc]
    for one in seen:
        if isinstance(one, ssl.SSLCertVerificationError):
            return BAD_CERTIFICATE
        if isinstance(one, BaseException) and len(seen) < _DEEPEST:
            seen += [one.__cause__, one.__context__, *one.args]
    return NO_TLS


def _unknown(place: str, code: str, status: int | None) -> S3Failure:
    """Any other answer: what a server blames on itself may pass, what it blames on us will not."""
    transient = status is None or status >= 500 or status == 429
    shown = "".join(char for char in code[:40] if char.isascii() and char.isalnum())
    said = " ".join(filter(None, (str(status or ""), shown)))
    return S3Failure(f"{place}: the server says {said}", code, transient=transient)


def _skew(date: str | None) -> float | None:
    """Minutes that this machine's clock is ahead of the server's."""
    try:
        theirs = parsedate_to_datetime(date or "")
        return (datetime.now(theirs.tzinfo) - theirs).total_seconds() / 60
    except (TypeError, ValueError):
        return None


def _direction(minutes: float) -> str:
    return "ahead of the server's (set it)" if minutes > 0 else "behind the server's (set it)"
