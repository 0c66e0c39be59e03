"""Lyrics: read from LRC, TTML, WebVTT or plain text into one value, written as WebVTT.

- `read.read` takes a document of a known format, `read.read_tag` what a tag holds;
- `lyrics.Lyrics` is the value; `webvtt.write` and `segments.cut` make of it what players take;
- `track.make` does both for a package.

Whatever is wrong with a document is `MalformedMedia`; documents are bounded in size and lines.
"""
