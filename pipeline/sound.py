"""What a master sounds like in numbers: the value that the ladder and the encoder work from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sound:
    """The one audio stream of a master."""

    form: str  # ffmpeg's name of the file format: wav, w64, flac, aiff, mov, caf
    codec: str  # ffmpeg's name: flac, alac, pcm_s24le
    sample_rate_hz: int
    channels: int
    bit_depth: int  # bits per sample that carry signal
    is_float: bool
    samples: int  # per channel, as the header claims

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.sample_rate_hz
