"""HLS playlists (RFC 8216 and its bis draft) as text, from a `Package`. Start at `render`."""
