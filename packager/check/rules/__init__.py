"""The rules, by what they look at. Each is a small function with an id, a clause and a remedy.

`boxes` and `timing` look at a track, `encryption` at how it is protected, `samples` at the coded
frames themselves; `segments` at a track as a manifest divides it; `hls_media`, `hls` and `dash` at
manifests beside their files; `across` at renditions beside each other. The letters of the ids are
those of docs/check.md: F files, B boxes, T time, G gapless, E encryption, C coded frames,
S segments, H HLS, D DASH.
"""
