"""Which subscription opens which tiers, and how a set of tiers is written in a path."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from drm.errors import Denied


class Tiers:
    """The ladder's tiers, lowest first, and the subscriptions of the settings. Immutable.

    Raises ValueError for a subscription that names a tier the ladder does not have.
    """

    def __init__(
        self, order: tuple[str, ...], subscriptions: Mapping[str, tuple[str, ...]]
    ) -> None:
        for name, tiers in subscriptions.items():
            if unknown := [tier for tier in tiers if tier not in order]:
                msg = f"subscription {name!r} opens {unknown[0]!r}, which is none of {order}"
                raise ValueError(msg)
        self.order = order
        self._subscriptions = {name: self._sorted(opened) for name, opened in subscriptions.items()}

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self._subscriptions)

    def opened_by(self, subscription: str) -> tuple[str, ...]:
        """Return the tiers a subscription opens, in ladder order; Denied if there is none."""
        try:
            return self._subscriptions[subscription]
        except KeyError:
            raise Denied("unknown-subscription", f"no subscription {subscription!r}") from None

    def named(self, text: str) -> tuple[str, ...]:
        """Return a subscription's tiers, or else the tier of that name and all below it.

        Denied when there is neither.
        """
        if text in self._subscriptions:
            return self._subscriptions[text]
        if text in self.order:
            return self.order[: self.order.index(text) + 1]
        known = ", ".join(dict.fromkeys((*self._subscriptions, *self.order)))
        raise Denied("unknown-tier", f"no tier or subscription {text!r}; there are: {known}")

    def access(self, tiers: Collection[str]) -> str:
        """Write a set of tiers the one way it stands in a path: ladder order, joined by "-"."""
        if not tiers or not set(tiers) <= set(self.order):
            msg = f"not a set of tiers of this ladder: {tiers!r}"
            raise ValueError(msg)
        return "-".join(self._sorted(tiers))

    def parse_access(self, text: str) -> tuple[str, ...] | None:
        """Read the tiers that `access` wrote so; None for any other spelling."""
        tiers = tuple(text.split("-"))
        if not set(tiers) <= set(self.order) or self._sorted(tiers) != tiers:
            return None
        return tiers

    def _sorted(self, tiers: Collection[str]) -> tuple[str, ...]:
        return tuple(tier for tier in self.order if tier in tiers)
