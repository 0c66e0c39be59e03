"""What may succeed when it is tried again, and when. Pure."""

from __future__ import annotations

import errno
import random
import re
import signal
from dataclasses import dataclass

from catalog.errors import CatalogError
from configs.settings import JobSettings
from drm.errors import AuditUnavailable, KekAway
from drm.key_provider import KeyProviderFailed
from pipeline.errors import EncoderFailed, EncoderStuck, PipelineError
from storage.base import StorageError

# What a machine lacks for a while.
_FULL = re.compile(r"No space left on device|Disk quota exceeded")
# What it lacks, or what a master asks for that lies: ffmpeg has the same words for its own limit
# (`-max_alloc`).
_NO_MEMORY = re.compile(r"Cannot allocate memory")
_PASSING_ERRNOS = frozenset(
    {
        *(errno.ENOSPC, errno.EDQUOT, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.EAGAIN),
        *(errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EBUSY),  # of a share over the network
        *(errno.ECONNREFUSED, errno.ECONNRESET, errno.EPIPE, errno.EHOSTUNREACH, errno.ENETUNREACH),
    }
)
_FROM_OTHERS = frozenset(
    {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}
)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long in between."""

    attempts: int
    backoff_s: float  # after the first; twice as long after each further one
    backoff_max_s: float

    @classmethod
    def of(cls, settings: JobSettings) -> RetryPolicy:
        """As the settings say."""
        return cls(settings.attempts, settings.backoff_s, settings.backoff_max_s)

    def is_last(self, attempt: int) -> bool:
        """Tell that no other attempt follows; the first is 1."""
        return attempt >= self.attempts

    def delay_s(self, attempt: int) -> float:
        """How long to wait after an attempt, a little different each time.

        What failed together shall not come again together.
        """
        whole = min(self.backoff_s * 2.0 ** min(attempt - 1, 30), self.backoff_max_s)
        return whole * random.uniform(0.75, 1.0)


def is_passing(error: BaseException) -> bool:
    """Tell that the same work may succeed later: nothing is wrong with the master."""
    match error:
        case EncoderFailed():
            return _is_shortage(error)
        case PipelineError() | StorageError() | CatalogError():
            return error.transient
        case KekAway() | AuditUnavailable() | KeyProviderFailed():
            return True
        case OSError():
            return error.errno in _PASSING_ERRNOS or isinstance(error, TimeoutError)
    return False


def is_doubtful(error: BaseException | None) -> bool:
    """Tell of what passes that a master may do it as well: it does it again, a machine does not.

    No memory, at its deadline, or it did not get on.
    """
    if not isinstance(error, EncoderFailed) or _FULL.search(error.stderr_tail):
        return False
    return isinstance(error, EncoderStuck) or bool(_NO_MEMORY.search(error.stderr_tail))


def _is_shortage(error: EncoderFailed) -> bool:
    """Not started or at its deadline, killed by somebody (out of memory), or out of disk."""
    if error.returncode is None:
        return True
    is_full = bool(_FULL.search(error.stderr_tail))
    return was_killed(error) or is_full or is_doubtful(error)


def was_killed(error: EncoderFailed) -> bool:
    """Tell that somebody ended it; what it did itself (crash, use too much) it does again."""
    return error.returncode is not None and -error.returncode in _FROM_OTHERS
