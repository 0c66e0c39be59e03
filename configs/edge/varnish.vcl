# Headwater's edge on Varnish (7.0 or newer): a cache between listeners and the origin.
#
#   varnishd -F -n /run/headwater-edge -f /etc/headwater/varnish.vcl \
#       -a 127.0.0.1:6080 -s file,/var/lib/headwater-edge/media,40G -p http_resp_hdr_len=16k \
#       -p listen_depth=4096
#
# The folder of -n has the log of requests, and so their tokens: it is never to rest on a disk.
# Lines that end in "yours: ..." are to be set for a machine; the rest is how Headwater's URLs are
# cached (docs/edge.md says why). TLS and HTTP/2 to listeners are for what stands before it (hitch,
# or nginx), which has to set X-Forwarded-Proto and, with PROXY, the listener's address.
#
# - The token is never part of a cache's key, nor is a query (CMCD): all listeners share one copy.
# - Each request comes through here twice: first as the question whether the token opens it
#   (/v1/auth/, whose answer is kept for as long as it says), then, restarted, as itself.
# - Keys, licenses and the API are passed through.
# - BAN with a Surrogate-Key makes it forget a track or a release, answers about tokens included.
# - The same file does for an origin shield: an edge whose `origin` is another edge.

vcl 4.1;

import std;

# Who is busy is not dead: nothing at all is asked of an origin that is taken for that. One answer in
# four is enough, and seconds may pass before it.
probe healthz {
    .url = "/healthz";
    .interval = 2s;  # yours: probe
    .timeout = 5s;
    .window = 4;
    .threshold = 1;
    .initial = 1;
}

backend origin {
    .host = "127.0.0.1";  # yours: origin host
    .port = "8080";  # yours: origin port
    .connect_timeout = 2s;
    .first_byte_timeout = 30s;
    .between_bytes_timeout = 10s;
    .probe = healthz;
}

acl purgers {
    "127.0.0.1";  # yours: purgers
}

sub vcl_recv {
    if (req.restarts > 0) {
        if (req.http.HW-Phase == "ask again") {
            call recv_ask;
        }
        call recv_answered;
    }
    # Ours alone: nobody sends them in.
    unset req.http.HW-Phase;
    unset req.http.HW-Object;
    unset req.http.HW-Path;
    unset req.http.HW-Cache;
    unset req.http.HW-Kind;
    unset req.http.HW-Stale;
    # The listener's country, for rights that differ by territory, as the origin wants it with
    # `origin.country_header: X-Country-Code`: as this edge knows it, never as the listener says it.
    # Behind a CDN that nobody gets around: `set req.http.X-Country-Code = req.http.CF-IPCountry;`.
    unset req.http.X-Country-Code;  # yours: country
    unset req.http.X-Country;
    unset req.http.X-Geo-Country;
    unset req.http.CF-IPCountry;
    unset req.http.CloudFront-Viewer-Country;

    if (req.method == "BAN") {
        call recv_ban;
    }
    # A request that came through three edges goes round in circles. RFC 9110, 7.6.3.
    if (req.http.Via ~ "headwater-edge.*headwater-edge.*headwater-edge") {
        return (synth(508, "Loop Detected"));
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    set req.http.HW-Path = regsub(req.url, "\?.*$", "");
    if (req.http.HW-Path ~ "^/v1/t/[A-Za-z0-9._~-]{1,512}/") {
        set req.http.HW-Object = regsub(req.http.HW-Path, "^/v1/t/[^/]*/", "");
        call recv_kind;
    }
    if (!req.http.HW-Kind) {
        unset req.http.HW-Path;
        unset req.http.HW-Object;
        return (pass);
    }
    # Nothing of the listener but the token goes on.
    unset req.http.Cookie;
    unset req.http.Authorization;
    # Nor a body: without one, a length would have the origin take the next request for it.
    unset req.http.Content-Length;
    unset req.http.Transfer-Encoding;
    # Varnish would answer 416 for several ranges, and ranges of HEAD. RFC 9110, 14.2: the whole.
    if (req.method == "HEAD" || req.http.Range !~ "^bytes=([0-9]+-[0-9]*|-[0-9]+)$") {
        unset req.http.Range;
    }
    call recv_ask;
}

# What may be kept: media (segments, track files, what lies beside them), and manifests.
sub recv_kind {
    if (req.http.HW-Object ~ "^tracks/t[a-z2-7]{20}/[0-9a-f]{16}/[a-z0-9-]{1,64}(/init|/[1-9][0-9]{0,5})?\.(mp4|m4s)$"
        || req.http.HW-Object ~ "^tracks/t[a-z2-7]{20}/[0-9a-f]{16}/([a-z0-9-]{1,64}\.(vtt|txt)|covers\.json|cover-[0-9x]{1,11}\.(jpg|png)|download-[a-z0-9_]{1,32}\.(m4a|mp3))$"
        || req.http.HW-Object ~ "^covers/[0-9a-f]{64}\.(jpg|png)$") {
        set req.http.HW-Kind = "media";
    } elsif (req.http.HW-Object ~ "^(tracks/t|releases/r)[a-z2-7]{20}/[0-9a-f]{16}/[a-z0-9_-]{1,128}/[a-z0-9-]{1,32}/[a-z0-9-]{1,64}\.(m3u8|mpd|json)$") {
        set req.http.HW-Kind = "manifest";
    }
}

# First time through: the question. The rights to a segment are those to its track file, and those
# to a playlist those to the one that names it.
sub recv_ask {
    set req.http.HW-Phase = "ask";
    set req.url = regsub(regsub(req.http.HW-Path, "^/v1/t/", "/v1/auth/"),
        "^(.*/tracks/[^/]+/[^/]+/[^/]+)/(init\.mp4|[0-9]+\.m4s)$", "\1.mp4");
    set req.url = regsub(req.url, "/[a-z0-9-]+\.m3u8$", "/multivariant.m3u8");
    set req.grace = 0s;
    if (req.http.HW-Stale || !std.healthy(req.backend_hint)) {
        # Those who were let in stay in: what they play is of no use without keys from there.
        set req.grace = 10m;
    }
    if (req.http.Via ~ "headwater-edge") {
        return (pass);
    }
    return (hash);
}

# Second time through: the token is good. The query goes nowhere.
sub recv_answered {
    set req.url = req.http.HW-Path;
    set req.http.HW-Phase = req.http.HW-Kind;
    set req.grace = 7d;
    if (req.http.HW-Kind == "manifest") {
        set req.grace = 0s;
        # Kept by one cache on the way only: not all of them tell an Age.
        if (req.http.Via ~ "headwater-edge") {
            return (pass);
        }
    }
    return (hash);
}

sub recv_ban {
    if (client.ip !~ purgers) {
        return (synth(403, "Forbidden"));
    }
    if (req.http.Surrogate-Key !~ "^[rt][a-z2-7]{20}( [rt][a-z2-7]{20}){0,99}$") {
        return (synth(400, "Surrogate-Key: ids of tracks and releases"));
    }
    ban("obj.http.Surrogate-Key ~ " + regsuball(req.http.Surrogate-Key, " ", "|"));
    return (synth(200, "Banned"));
}

sub vcl_hash {
    if (req.http.HW-Phase == "ask") {
        # For each address and country, as rights may differ by territory.
        hash_data(req.url);
        hash_data(client.ip);
        hash_data(req.http.X-Country-Code);
    } else {
        hash_data(req.http.HW-Object);
    }
    return (lookup);
}

sub vcl_hit {
    if (req.http.HW-Phase != "ask") {
        set req.http.HW-Cache = "HIT";
        if (obj.ttl <= 0s) {
            set req.http.HW-Cache = "STALE";
        }
    }
}

sub vcl_miss {
    if (req.http.HW-Phase != "ask") {
        set req.http.HW-Cache = "MISS";
    }
}

sub vcl_backend_fetch {
    if (bereq.http.Via) {
        set bereq.http.Via = bereq.http.Via + ", 1.1 headwater-edge";
    } else {
        set bereq.http.Via = "1.1 headwater-edge";
    }
    if (bereq.http.HW-Phase) {
        unset bereq.body;
    }
    unset bereq.http.HW-Object;
    unset bereq.http.HW-Path;
    unset bereq.http.HW-Cache;
    unset bereq.http.HW-Kind;
    unset bereq.http.HW-Stale;
}

sub vcl_backend_response {
    unset beresp.http.Set-Cookie;
    if (bereq.uncacheable) {
        return (deliver);
    }
    if (beresp.http.Cache-Control ~ "no-store" || beresp.status >= 500) {
        # A refusal is for who asked: nobody else gets it, and nobody waits behind it.
        set beresp.ttl = 0s;
        set beresp.grace = 0s;
        set beresp.uncacheable = true;
        if (beresp.status >= 500 && bereq.is_bgfetch) {
            return (abandon);
        }
        return (deliver);
    }
    # How long: as Cache-Control says, an Age subtracted.
    set beresp.grace = 0s;
    set beresp.keep = 0s;
    if (bereq.http.HW-Phase == "ask") {
        set beresp.grace = 10m;
    } elsif (bereq.http.HW-Phase == "media" && beresp.status == 200) {
        set beresp.grace = 7d;
    }
    return (deliver);
}

sub vcl_deliver {
    if (req.http.HW-Phase == "ask" && resp.status == 204) {
        return (restart);
    }
    if (req.http.HW-Phase == "ask" && resp.status >= 500 && !req.http.HW-Stale) {
        # No answer: the last one does, where there was one.
        set req.http.HW-Stale = "yes";
        set req.http.HW-Phase = "ask again";
        return (restart);
    }
    unset resp.http.X-Varnish;
    if (req.http.HW-Cache) {
        set resp.http.X-Cache-Status = req.http.HW-Cache;
        if (req.http.HW-Cache == "MISS" && resp.http.Server-Timing) {
            set resp.http.Server-Timing = "edge;desc=MISS, " + resp.http.Server-Timing;
        } else {
            set resp.http.Server-Timing = "edge;desc=" + req.http.HW-Cache;
        }
    }
    return (deliver);
}

# Problems of the edge itself, as the origin would say it.
sub vcl_backend_error {
    # A worker that dies breaks all of its connections, and another one answers.
    if ((bereq.method == "GET" || bereq.method == "HEAD")
        && bereq.retries < 2 && now - bereq.time < 3s) {
        return (retry);
    }
    set beresp.http.Content-Type = "application/problem+json";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "1";
    set beresp.http.Access-Control-Allow-Origin = "*";
    set beresp.body = {"{"type":"urn:headwater:problem:origin-unavailable","title":"The origin is away","status":503,"reason":"origin-unavailable" }"};
    return (deliver);
}

sub vcl_synth {
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.http.Access-Control-Allow-Origin = "*";
    synthetic(resp.reason);
    return (deliver);
}
