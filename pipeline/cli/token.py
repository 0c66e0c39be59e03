"""`headwater token`: access tokens for listeners and for the player page."""

from __future__ import annotations

import click

from drm.access_token import MAX_TTL_S, NO_SUBSCRIPTION, SCOPES
from pipeline.cli import addresses
from pipeline.cli.compose import Invocation, open_tokens, pass_invocation


@click.group("token")
def token_group() -> None:
    """Make access tokens."""


@token_group.command("mint")
@click.option(
    "--subscription", help="What it opens to a listener.  [default: premium; with --scope: nothing]"
)
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice(SCOPES),
    help="What a program may do with it: speke:keys asks for keys, uploads:write sends "
    "masters in, jobs:read looks at their jobs. May be given more than once.",
)
@click.option("--subject", default="operator", show_default=True, help="Who it speaks for.")
@click.option(
    "--ttl",
    type=click.IntRange(1, MAX_TTL_S),
    help="Seconds it is valid.  [default: drm.access_ttl_s]",
)
@click.option(
    "--player-url",
    metavar="ORIGIN",
    help="Print the address of the player page at this origin, with a session in it.",
)
@pass_invocation
def mint(
    invocation: Invocation,
    subscription: str | None,
    scopes: tuple[str, ...],
    subject: str,
    ttl: int | None,
    player_url: str | None,
) -> None:
    """Print an access token (a JWT) for the origin's API.

    \b
    curl -X POST -H "Authorization: Bearer $(headwater token mint)" URL/api/v1/playback/TRACK
    """  # noqa: D301 - click wants a real backspace
    settings = invocation.load().settings
    if subscription is None:
        subscription = NO_SUBSCRIPTION if scopes else "premium"
    elif subscription not in settings.drm.subscriptions:
        known = ", ".join(settings.drm.subscriptions)
        raise click.BadParameter(
            f"no subscription {subscription!r}; there are: {known}", param_hint="--subscription"
        )
    ttl_s = ttl or min(settings.drm.access_ttl_s, MAX_TTL_S)
    token = open_tokens(settings).access.mint(subject, subscription, ttl_s, scopes=scopes)
    click.echo(addresses.player_url(player_url, token) if player_url else token)
