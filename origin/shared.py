"""Memory that all workers of an origin share. Made before they are forked."""

from __future__ import annotations

from dataclasses import dataclass, field

from configs.telemetry.board import Board
from configs.telemetry.sketches import Active, Rows, SeenLately

_WORDS = 10  # of a row: as many as `origin.quality` has
_RENEWED_S = 3600  # a song that is asked for again within the time is the same one
_PLAYED_S = 3600  # an account makes a track more popular once in this time


@dataclass(frozen=True, slots=True)
class Shared:
    """What one worker counts for all."""

    board: Board
    listening: Active = field(default_factory=Active)  # playback tokens that media were sent to
    sessions: Rows = field(default_factory=lambda: Rows(_WORDS))  # players, by `origin.quality`
    songs: SeenLately = field(default_factory=lambda: SeenLately(_RENEWED_S))
    played: SeenLately = field(default_factory=lambda: SeenLately(_PLAYED_S))  # by accounts

    @classmethod
    def of(cls, workers: int) -> Shared:
        """For so many workers."""
        return cls(Board(workers))
