"""What must not happen side by side, kept apart until the transaction ends.

On SQLite there is one writer anyway. On PostgreSQL a lock is advisory and by name, so that it
also keeps apart who makes a row that is not there yet. Who holds several takes the track's first,
then its releases': `hold` sorts those of one kind, so that nobody waits in a circle.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum

from sqlalchemy import BigInteger, bindparam, func, select, text

from catalog.engine import Tx

_HOLD = select(func.pg_advisory_xact_lock(bindparam("number", type_=BigInteger)))


class Held(StrEnum):
    """What is held, in the order in which it is taken."""

    TRACK = "track"
    RELEASE = "release"
    OBJECTS = "objects"  # that several tracks share: nobody deletes one while another begins
    UPLOADS = "uploads"  # of a label, that are counted before another one begins
    AUDIT_CHAINS = "audit chains"


async def hold(tx: Tx, what: Held, *ids: str) -> None:
    """Wait until no other write transaction holds any of these, and hold them until ours ends."""
    if tx.dialect.name == "postgresql":
        for number in sorted(_number(what, one) for one in ids):
            await tx.execute(_HOLD, {"number": number})


async def unhurried(tx: Tx) -> None:
    """Let this transaction take the time that it needs: it is a person's, and touches every row."""
    if tx.dialect.name == "postgresql":
        limits = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        for limit in limits:
            await tx.execute(text(f"SET LOCAL {limit} = 0"))


def _number(what: Held, id_: str) -> int:
    """The lock's 64 bits, signed; two names with the same ones would only wait once too often."""
    digest = hashlib.blake2b(f"headwater {what} {id_}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
