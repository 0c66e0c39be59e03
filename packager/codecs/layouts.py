"""Channel layouts that follow from a channel count, by their number in ISO/IEC 23091-3, 6.1."""

from __future__ import annotations

# RFC 7845, 5.1.1.2 (Vorbis order): quad is 10, 6.1 is 11, 7.1 surround is 12.
OPUS_FAMILY_1 = {1: 1, 2: 2, 3: 3, 4: 10, 5: 5, 6: 6, 7: 11, 8: 12}
# RFC 9639, table 15: the same loudspeakers in another order.
FLAC = OPUS_FAMILY_1
# Apple Lossless reference sources, ALACChannelLayoutTags: 3.0 B, 4.0 B, 5.0 D, 5.1 D, 6.1, 7.1 B.
ALAC = {1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6, 7: 11, 8: 7}
