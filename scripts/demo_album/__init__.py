"""The demo album: composed in Python, synthesized with numpy, mastered, tagged, with a cover.

`python -m scripts.demo_album FOLDER` writes six masters in five formats and a folder cover.
Everything is seeded: the same numpy on the same processor gives the same samples.

Start reading in `album`, which lists the tracks; a piece's music is in `pieces/`, from notes
(`score`) through voices (`plucked`, `keys`, `sung`, `drums`, `pads`), `mixing` and `mastering` to
`files` and `tagging`.
"""
