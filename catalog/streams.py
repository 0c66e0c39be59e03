"""The streams that accounts play now: leases that end by themselves.

A stream is a session of an account. Whoever plays renews its lease; who crashes does not, and its
place is free when the lease ends. Accounts are named by a hash: nobody's name is here.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select

from catalog.engine import Tx
from catalog.records import StreamsRecord
from catalog.schema import stream_accounts, streams
from catalog.upsert import upsert


async def look(tx: Tx, account: str, session: str, now: datetime) -> StreamsRecord:
    """Read how many other streams of the account run, and until when this one does."""
    query = select(streams.c.session, streams.c.expires_at)
    rows = await tx.execute(query.where(streams.c.account == account, streams.c.expires_at > now))
    running = {row.session: row.expires_at for row in rows}
    until = running.pop(session, None)
    return StreamsRecord(len(running), until)


async def take(
    tx: Tx, account: str, session: str, *, limit: int, now: datetime, until: datetime
) -> int:
    """Begin a stream, or renew it, if fewer than `limit` others run; return how many do.

    The account's row is written first and so locked until the end of the transaction: of two that
    ask at once for the last place one gets it, on every database.
    """
    values = {"account": account, "played_at": now}
    await upsert(tx, stream_accounts, values, keys=["account"], update=["played_at"])
    mine = streams.c.account == account
    await tx.execute(delete(streams).where(mine, streams.c.expires_at <= now))
    query = select(func.count()).select_from(streams)
    others = (await tx.execute(query.where(mine, streams.c.session != session))).scalar_one()
    if others < limit:
        row = {"account": account, "session": session, "expires_at": until}
        await upsert(tx, streams, row, keys=["account", "session"], update=["expires_at"])
    return int(others)


async def end(tx: Tx, account: str, session: str) -> None:
    """End a stream before its lease does."""
    await tx.execute(
        delete(streams).where(streams.c.account == account, streams.c.session == session)
    )
