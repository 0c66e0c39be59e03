"""A plan as one HTML file: figures, plots, and how each was reckoned. No script, no network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from configs.ladder import Ladder
from configs.planning import Planning
from pipeline.planning.capacity import Capacity, Wanted, kinds_of
from pipeline.planning.hits import Che, simulate
from pipeline.planning.svg import Axis, Line, bars, chart

_SMALL_SONGS = 10_000  # of the catalog that is simulated
_REQUESTS = 100_000
_SIMULATED = (0.002, 0.02, 0.1)  # parts of the catalog that fit into the cache
_CURVE = 21  # points
_YEARS = 5

Row = tuple[str, str, str]  # what, how much, how it was reckoned


def rows(wanted: Wanted, capacity: Capacity, planning: Planning) -> list[tuple[str, list[Row]]]:
    """All figures in groups."""
    assumed, measured = planning.assumed, planning.measured
    got, currency = capacity, planning.prices.currency
    busy = f"{assumed.utilization:.0%} busy"
    peak = "at the peak"
    groups: list[tuple[str, list[Row]]] = [
        (
            "Storage",
            [
                ("objects", size_of(got.objects, ""), f"{got.objects_per_song:.1f} a song"),
                (
                    "packages",
                    size_of(got.storage_bytes),
                    f"{size_of(got.song_bytes)} a song, kept {assumed.copies:g} x",
                ),
                ("masters", size_of(got.archive_bytes), f"{assumed.master_bps / 1e6:g} Mbit/s"),
                (
                    "catalog",
                    size_of(got.catalog_bytes),
                    f"{measured.catalog_bytes_per_track:,.0f} bytes a track, measured",
                ),
                ("new each day", size_of(got.daily_bytes), f"{wanted.daily:,} songs"),
            ],
        ),
        (
            "Encoding",
            [
                (
                    "cores for new songs",
                    f"{got.encode_cores:,.1f}",
                    f"{measured.encode_cpu_s_per_s:.3f} CPU s for a second of music, {busy}",
                ),
                (
                    "cores to encode all again",
                    f"{got.reencode_cores:,.0f}",
                    f"in {wanted.reencode_days:g} days",
                ),
                (
                    "writes a day",
                    size_of(got.write_requests_day, ""),
                    f"requests for new songs, and {size_of(got.check_requests_day, '')} that check",
                ),
            ],
        ),
        (
            "Streaming",
            [
                ("CDN", rate_of(got.cdn_bps), f"{wanted.streams:,} streams {peak}"),
                (
                    "segments",
                    f"{got.segment_requests_s:,.0f}/s",
                    f"one each {wanted.segment_s:g} s",
                ),
                ("starts", f"{got.start_requests_s:,.0f}/s", "answers, manifests, init segments"),
                ("licenses", f"{got.licenses_s:,.0f}/s", "one a song"),
                (
                    "answered by the CDN",
                    f"{got.hits.requests:.1%}",
                    f"LRU of {size_of(wanted.cache_bytes)}, popularity 1/rank^{assumed.zipf_s:g}",
                ),
                ("origin", rate_of(got.origin_bps), f"what the CDN has not, {peak}"),
                ("origin requests", f"{got.origin_requests_s:,.0f}/s", f"licenses too, {peak}"),
                ("origin cores", f"{got.origin_cores:,.1f}", f"by the benchmarks, {busy}"),
            ],
        ),
        (
            f"Cost, {currency} a month",
            [(name, f"{cost:,.0f}", "") for name, cost in got.costs.items()]
            + [("together", f"{got.month_cost:,.0f}", "prices of the planning file")],
        ),
    ]
    return groups


def html(
    wanted: Wanted,
    capacity: Capacity,
    planning: Planning,
    ladder: Ladder,
    measured_here: Sequence[str],
) -> str:
    """The page."""
    tables = "".join(_table(title, found) for title, found in rows(wanted, capacity, planning))
    asked = (
        f"{wanted.songs:,} songs, {wanted.daily:,} new a day, {wanted.streams:,} streams at once"
    )
    figures = "".join(
        f"<div><b>{value}</b><span>{name}</span></div>"
        for name, value in (
            ("storage", size_of(capacity.storage_bytes)),
            ("objects", size_of(capacity.objects, "")),
            ("CDN at the peak", rate_of(capacity.cdn_bps)),
            ("answered by the CDN", f"{capacity.hits.requests:.0%}"),
            ("encode cores", f"{capacity.encode_cores:,.1f}"),
            (f"{planning.prices.currency} a month", f"{capacity.month_cost:,.0f}"),
        )
    )
    plots = "".join(
        f"<section><h2>{title}</h2><div class=plot>{plot}</div><p>{said}</p></section>"
        for title, plot, said in _plots(wanted, capacity, planning, ladder)
    )
    here = ", ".join(measured_here) or "none: the packaged constants are of another machine"
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>Headwater plan: {asked}</title>"
        "<meta name=viewport content='width=device-width'>"
        f"<style>{_STYLE}</style><main><h1>Capacity plan</h1><p class=asked>{asked}</p>"
        f"<div class=figures>{figures}</div>{plots}<div class=tables>{tables}</div>"
        f"<footer>Measured on this machine: {escape(here)}. Assumptions and prices: the planning "
        "file. GB are 10<sup>9</sup> bytes.</footer></main></html>\n"
    )


def size_of(count: float, unit: str = "B") -> str:
    """A number with its prefix: 2.33 PB, 704 M."""
    for power, prefix in ((15, "P"), (12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if count >= 10**power:
            return f"{count / 10**power:.3g} {prefix}{unit}"
    return f"{count:.3g} {unit}".rstrip()


def rate_of(bps: float) -> str:
    """Bits a second with their prefix."""
    return size_of(bps, "bit/s")


def _plots(
    wanted: Wanted, capacity: Capacity, planning: Planning, ladder: Ladder
) -> Iterable[tuple[str, str, str]]:
    currency = planning.prices.currency
    costs = [(name, cost, f"{cost:,.0f}") for name, cost in capacity.costs.items()]
    yield (
        f"What a month costs, {currency}",
        bars("Cost by part", costs),
        "Prices are those of the planning file: put your own there.",
    )
    stored = [(name, size, size_of(size)) for name, size in capacity.rendition_bytes.items()]
    yield (
        "What fills the storage",
        bars("Storage by rendition", stored),
        "Each rendition with its second file for HLS AES-128, one copy.",
    )
    yield "What a larger cache is worth", *_hit_plot(wanted, planning, ladder)
    yield "How the storage grows", *_growth_plot(wanted, capacity)


def _hit_plot(wanted: Wanted, planning: Planning, ladder: Ladder) -> tuple[str, str]:
    kinds = kinds_of(ladder, planning)
    zipf_s = planning.assumed.zipf_s
    whole = Che(wanted.songs, zipf_s, kinds)
    small_songs = min(_SMALL_SONGS, wanted.songs)
    small = Che(small_songs, zipf_s, kinds)
    low = min(1e-4, wanted.cache_bytes / whole.bytes)
    parts = [low ** (1 - number / (_CURVE - 1)) for number in range(_CURVE)]
    played = [
        (part, simulate(small_songs, zipf_s, kinds, small.bytes * part, requests=_REQUESTS))
        for part in _SIMULATED
    ]
    lines = (
        Line("reckoned, this catalog", [(p, whole.hits(whole.bytes * p).requests) for p in parts]),
        Line(
            f"reckoned, {small_songs:,} songs",
            [(p, small.hits(small.bytes * p).requests) for p in parts],
        ),
        Line(
            f"simulated, {small_songs:,} songs",
            [(p, hits.requests) for p, hits in played],
            is_marked=True,
        ),
    )
    plot = chart(
        "Hit ratio by cache size",
        Axis("part of all media that fits into an edge's cache", low, 1, is_log=True),
        Axis("requests answered", 0, 1),
        lines,
        here=min(1.0, wanted.cache_bytes / whole.bytes),
    )
    said = (
        f"All that is streamed is {size_of(whole.bytes)}; the dashed line is a cache of "
        f"{size_of(wanted.cache_bytes)}. The curves are Che's approximation; the dots are an LRU "
        f"cache that {_REQUESTS:,} requests were played against."
    )
    return plot, said


def _growth_plot(wanted: Wanted, capacity: Capacity) -> tuple[str, str]:
    first = capacity.storage_bytes
    yearly = capacity.daily_bytes * 365.25 * (first / max(wanted.songs * capacity.song_bytes, 1))
    points = [(float(year), (first + yearly * year) / 1e12) for year in range(_YEARS + 1)]
    high = points[-1][1] * 1.05 or 1
    plot = chart(
        "Storage by year",
        Axis("years from now", 0, _YEARS),
        Axis("TB", 0, high),
        (Line("packages", points),),
    )
    return plot, f"{wanted.daily:,} songs a day are {size_of(yearly)} a year."


def _table(title: str, found: Sequence[Row]) -> str:
    body = "".join(
        f"<tr><th scope=row>{escape(what)}<td>{escape(value)}<td class=how>{escape(how)}"
        for what, value, how in found
    )
    return f"<table><caption>{escape(title)}</caption>{body}</table>"


_STYLE = """
:root{color-scheme:light dark;
--ink:#1c2430;--soft:#5d6978;--line:#dfe4ea;--page:#f6f7f9;--card:#fff;
--one:#1f6feb;--two:#8a94a3;--three:#d9480f}
@media(prefers-color-scheme:dark){:root{--ink:#e7ebf0;--soft:#98a4b3;--line:#2c3642;--page:#12171d;
--card:#1a212a;--one:#5ea0ff;--two:#7d8896;--three:#ff9a5a}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:1080px;margin:0 auto;padding:32px 24px;display:grid;gap:20px;
grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr))}
h1{margin:0;font-size:28px}h1,.asked,.figures,.tables,footer{grid-column:1/-1}
.asked{margin:-16px 0 0;color:var(--soft);font-size:17px}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.figures div,section,table{background:var(--card);border:1px solid var(--line);border-radius:10px}
.figures div{padding:14px 16px}
.figures b{display:block;font-size:21px;font-weight:650;white-space:nowrap}
.figures span,section p,footer,.how{color:var(--soft);font-size:13px}
section{padding:18px 20px}h2{margin:0 0 10px;font-size:16px}section p{margin:8px 0 0}
.tables{display:grid;gap:20px;grid-template-columns:repeat(auto-fit,minmax(min(460px,100%),1fr));
align-items:start}
table{border-collapse:separate;border-spacing:0;width:100%;padding:6px 16px 10px}
caption{text-align:left;font-weight:600;padding:0 0 6px}
th{font-weight:400;text-align:left}td,th{padding:5px 6px 5px 0;border-top:1px solid var(--line)}
tr:first-child>*{border-top:0}td:nth-child(2){text-align:right;white-space:nowrap;
font-variant-numeric:tabular-nums;font-weight:600;padding-right:16px}
.plot{overflow-x:auto}svg{width:100%;height:auto;display:block}
@media(max-width:540px){svg{min-width:480px}}svg text{fill:var(--soft);font-size:15px}
.mid{text-anchor:middle}.end{text-anchor:end}svg .label,svg .value{fill:var(--ink)}
.grid{stroke:var(--line);fill:none}.here{stroke:var(--ink);stroke-dasharray:5 4;fill:none}
.l1,.l2{fill:none;stroke-width:2.5;stroke-linejoin:round}.l1{stroke:var(--one)}
.l2{stroke:var(--two)}.m3{fill:var(--three)}.bar{fill:var(--one)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px}
.legend span{display:inline-flex;align-items:center;
gap:7px}.legend i{width:18px;height:3px;background:var(--one);border-radius:2px}
.legend .k2{background:var(--two)}.legend .k3{background:var(--three)}
.legend .dot{width:9px;height:9px;border-radius:50%}
"""
