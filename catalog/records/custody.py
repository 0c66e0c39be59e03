"""Wrapped content keys, what wrapped them, and the audit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class WrappedKeyRecord:
    """A content key as it rests: wrapped by a KEK, useless without it."""

    kid: bytes
    tenant: str
    track_id: str
    revision: str
    tier: str
    scheme: str
    kek_id: str
    kek_version: int
    nonce: bytes
    wrapped: bytes
    iv: bytes  # the cbcs constant IV (16 bytes) or the first cenc IV (8 bytes); not secret


@dataclass(frozen=True, slots=True)
class KekRecord:
    """What is counted of one version of a KEK."""

    kek_id: str
    version: int
    wraps: int  # at least as many as there were
    first_used_at: datetime


@dataclass(frozen=True, slots=True)
class AuditChainRecord:
    """The state of one process's chain of audit entries."""

    chain: str
    number: int  # from 1, in the order in which chains were begun
    entries: int
    head: bytes  # the last entry's hash
    seal: bytes


# What an audit entry says, without its place: at_us, event, who, what, whence, why.
AuditFacts = tuple[int, str, str, str, str, str]


class AuditRecord(NamedTuple):
    """One row of the audit; `drm.audit` says what is in it, `audit_batches` where it holds several.

    A tuple, which is made in a quarter of the time and is what the driver takes: one per license.
    """

    chain: str
    position: int  # of the row in its chain, from 0
    at_us: int  # microseconds since 1970, UTC
    event: str
    who: str
    what: str
    whence: str
    why: str
    hash: bytes
