"""What can go wrong with keys, tokens and rights: one class for each reaction of a caller."""

from __future__ import annotations

from pathlib import Path

from packager.model import Kid


class DrmError(Exception):
    """Root of the errors of keys and rights."""


class SecretUnavailable(DrmError):
    """A file of secrets is missing, malformed, readable by others or not writable."""

    def __init__(self, path: Path, problem: str, remedy: str) -> None:
        self.path = path
        self.problem = problem
        self.remedy = remedy
        super().__init__(f"{path}: {problem} ({remedy})")


class KekUnavailable(SecretUnavailable):
    """There is no key-encryption key to work with: content keys can neither be made nor read."""


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


class MalformedRequest(DrmError):
    """A license request that breaks the W3C format, or asks for what ClearKey cannot give."""
