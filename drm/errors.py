"""What can go wrong with keys, tokens and rights: one class for each reaction of a caller."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from packager.model import Kid


class DrmError(Exception):
    """Root of the errors of keys and rights."""

    # Whether the log knows already: while somebody is away it would come with every request.
    is_logged = False


class SecretUnavailable(DrmError):
    """A file of secrets is missing, malformed, readable by others or not writable.

    `place` is the file, or what else holds the secrets: a variable, a key of a key service.
    """

    def __init__(self, place: Path | str, problem: str, remedy: str) -> None:
        self.place = place
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{place}: {problem} ({remedy})")


class KekUnavailable(SecretUnavailable):
    """There is no key-encryption key to work with: content keys can neither be made nor read."""


class KekAway(KekUnavailable):
    """The key service does not answer now: what was opened before may be used for a while."""


class KekExhausted(KekUnavailable):
    """A KEK version has wrapped as many keys as one may: rotate it."""


class KekRefused(DrmError):
    """What was asked of a KEK cannot be done with it; the message says why and what to do."""


class WrongKek(DrmError):
    """A wrapped key does not open: it is another KEK's, or its row was altered or swapped."""

    def __init__(self, kek_id: str, kek_version: int, problem: str) -> None:
        self.kek_id = kek_id
        self.kek_version = kek_version
        super().__init__(f"content key wrapped by KEK {kek_id} version {kek_version}: {problem}")


class KeyNotFound(DrmError):
    """No content key has that KID."""

    def __init__(self, kid: Kid) -> None:
        self.kid = kid
        super().__init__(f"no content key with KID {kid}")


class Denied(DrmError):
    """The caller is known, and may not have it; `reason` is for machines, `detail` for people."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


class InvalidToken(DrmError):
    """A token that we never issued, or for another use; the message never repeats the token."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"invalid token: {reason}")


class ExpiredToken(DrmError):
    """A token of ours whose time is over: ask for a new one."""

    def __init__(self) -> None:
        super().__init__("the token has expired")


class IdentityProviderAway(DrmError):
    """The keys that access tokens are checked with are not to be had now."""

    is_logged = True

    def __init__(self) -> None:
        super().__init__("the identity provider's keys are not to be had")


class MalformedRequest(DrmError):
    """A license request that breaks the W3C format, or asks for what ClearKey cannot give."""


class AuditUnavailable(DrmError):
    """An entry cannot be made durable, so what it tells of must not happen."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the audit cannot be written: {cause}")


class AuditBroken(DrmError):
    """The audit is not what was written; `problems` has a sentence for each place."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(problems))
