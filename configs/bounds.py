"""How much may be said of a master: the origin takes it, and the pipeline reads it back."""

from __future__ import annotations

from typing import Final

# All that an upload says of its recording, in UTF-8: lyrics are nearly all of it.
SAID_BYTES: Final = 128 << 10
# The YAML that it is kept as: escapes and indentation make it several times as long.
SIDECAR_BYTES: Final = 8 * SAID_BYTES
