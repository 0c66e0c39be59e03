"""The album's music, one module per composition. Each has `compose() -> Piece`."""
