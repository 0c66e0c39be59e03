"""An inspector for anybody's audio package: manifests against files, boxes against clauses.

`inspect` takes a `Source` of bytes, the addresses of manifests or MP4 files, and keys; it gives
`Finding`s, each with its rule, place, clause and remedy. It opens nothing, and never raises on
what it reads. Read `inspection` first, then the rules.
"""

from packager.check.findings import Finding, Severity
from packager.check.inspection import inspect
from packager.check.source import Source, Unreadable

__all__ = ["Finding", "Severity", "Source", "Unreadable", "inspect"]
