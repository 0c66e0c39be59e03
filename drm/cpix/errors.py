"""What can be wrong with a CPIX document. No message repeats a key."""

from __future__ import annotations

from drm.errors import DrmError


class CpixError(DrmError):
    """Root of the errors of CPIX documents."""


class MalformedXml(CpixError):
    """Not XML that may be read here: too large, not UTF-8, with a DTD, or not well-formed."""


class InvalidCpix(CpixError):
    """XML that breaks a rule of CPIX, or of this implementation of it."""


class SealedKeysRefused(CpixError):
    """Encrypted keys do not open, or keys may not be encrypted to a certificate.

    Whatever failed in opening, the words are the same: a sender of doctored documents learns
    nothing from them.
    """
