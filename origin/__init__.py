"""The front door: everything a listener's player, a CDN and the player page talk to.

- `server.serve` runs it; `app.make_app` is the application; `state.OriginDeps` what it needs.
- Media (`routes.media`): a path is parsed (`paths`), a token becomes a grant (`auth`), the path
  becomes a representation (`resolver`), and that and the request a response (`delivery`), by the
  rules of `conditional` and `ranges`, which are pure. Bytes come from memory (`cache`), heads are
  prepared (`wire`).
- The rest is small: licenses, the playback answer, the catalog's read API, health, the player page.
- Errors become RFC 9457 problems in one table (`problems`).

It never writes to the catalog or the store, and holds no per-listener state: any number of
workers and machines may serve the same house.
"""
