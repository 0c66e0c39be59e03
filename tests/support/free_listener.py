"""A free listener of a house, with real tokens, as `scripts.fuzz.policy_http` sets one loose."""

from __future__ import annotations

import aiohttp

from catalog import keys
from origin.state import OriginDeps
from scripts.fuzz.policy_http import Target
from tests.support import house as houses
from tests.support.house import House


async def target(url: str, deps: OriginDeps, house: House) -> Target:
    """Ask for playback of all there is; take the keys that must stay locked from the catalog."""
    access = deps.access_tokens.mint("listener", "free", 86400)
    fields = {"Authorization": f"Bearer {access}"}
    session = '{"session": "free-session"}'
    places = (houses.TRACK, houses.OTHER_TRACK, f"releases/{houses.RELEASE}")
    tokens = []
    async with aiohttp.ClientSession() as client:
        for place in places:
            async with client.post(
                f"{url}/api/v1/playback/{place}", headers=fields, data=session
            ) as response:
                tokens.append((await response.json())["token"])
    tracks = [(track, houses.REVISION) for track in (houses.TRACK, houses.OTHER_TRACK)]
    async with deps.catalog.connect() as tx:
        records = [one for place in tracks for one in await keys.for_revision(tx, *place)]
    return Target(
        url,
        tokens,
        access,
        tracks,
        {one.name: one.tier for one in house.package.renditions},
        [(one.tier, await deps.keyring.unwrap(one)) for one in records],
    )
