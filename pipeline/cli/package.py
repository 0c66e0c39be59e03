"""`headwater package`: encoded files in, a folder with HLS and DASH out."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from packager.hls.render import HlsForm
from packager.model import Package, Rendition, Scheme
from packager.systems import KeySystems
from pipeline.cli.output import duration, write_json, write_table
from pipeline.raw_keys import RawKeys, parse_key, read_key_file
from pipeline.standalone import Request, package_files, parse_input

_SCHEMES = [scheme.value for scheme in (Scheme.CBCS, Scheme.CENC, Scheme.AES_128, Scheme.CLEAR)]
_SYSTEMS = ("widevine", "playready", "fairplay")
_FORMS = [form.value for form in (HlsForm.IDENTITY, HlsForm.WEB)]


@click.command("package")
@click.argument("inputs", metavar="INPUT...", nargs=-1, required=True)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder to write.",
)
@click.option(
    "--key",
    "key_texts",
    metavar="KID:KEY[:IV]",
    multiple=True,
    help="Encrypt with this key, in hexadecimal digits. Other users of the machine can see what "
    "is on a command line: --keys hides it.",
)
@click.option(
    "--keys",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML file of keys: `default`, `tiers` and `inputs` (by file name), each with `kid`, "
    "`key` and maybe `iv` as quoted hexadecimal digits.",
)
@click.option(
    "--scheme",
    type=click.Choice(_SCHEMES),
    help="How to encrypt: samples (cbcs, cenc) or whole segments, for HLS only (aes-128).  "
    "[default: cbcs with a key, clear without]",
)
@click.option(
    "--protection-system",
    "systems",
    type=click.Choice(_SYSTEMS),
    multiple=True,
    help="Name this key system in files and manifests beside Clear Key; may be repeated.",
)
@click.option("--widevine-provider", default="", metavar="NAME", help="Widevine provider.")
@click.option("--content-id", default="", metavar="HEX", help="Widevine content id.")
@click.option("--playready-la-url", default="", metavar="URL", help="PlayReady license server.")
@click.option(
    "--clearkey-la-url", default="", metavar="URL", help="Clear Key license server, for the MPD."
)
@click.option(
    "--segment",
    "segment_s",
    type=click.FloatRange(0.5, 60),
    default=4,
    show_default=True,
    metavar="SECONDS",
    help="Length of a segment, to the nearest whole frame.",
)
@click.option("--name", help="Name of the package.  [default: the first input's]")
@click.option("--title", help="Title in the manifests.  [default: the name]")
@click.option("--artist", default="", help="Artist in the manifests.")
@click.option(
    "--hls-form",
    type=click.Choice(_FORMS),
    default=HlsForm.IDENTITY.value,
    show_default=True,
    help="Whom HLS tells where keys are: native players, or hls.js and Shaka Player.",
)
@click.option(
    "--key-base",
    metavar="URL",
    default="keys/",
    show_default=True,
    help="What the URIs of HLS keys begin with; the KID follows.",
)
@click.option("--force", is_flag=True, help="Overwrite what is there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def package_command(  # noqa: PLR0913, PLR0917 - a parameter for each option
    inputs: tuple[str, ...],
    out: Path,
    key_texts: tuple[str, ...],
    key_file: Path | None,
    scheme: str | None,
    systems: tuple[str, ...],
    widevine_provider: str,
    content_id: str,
    playready_la_url: str,
    clearkey_la_url: str,
    segment_s: float,
    name: str | None,
    title: str | None,
    artist: str,
    hls_form: str,
    key_base: str,
    *,
    force: bool,
    as_json: bool,
) -> None:
    """Package files that are encoded already. No catalog, no origin, no encoder.

    Takes MP4 and M4A (fragmented ones too), ADTS AAC, Ogg Opus, FLAC, AC-3 and E-AC-3. Writes a
    CMAF file and an HLS playlist for each, multivariant.m3u8, manifest.mpd and package.json.
    An INPUT is a path, or in=PATH,name=NAME,tier=TIER, where a tier is a label that keys can be
    for. Equal inputs, keys and options give equal bytes; keys are never written or shown.

    \b
    headwater package song-128.m4a song.flac --out song
    headwater package song.opus --out song --key $KID:$KEY --scheme cenc
    headwater package in=low.m4a,tier=free in=song.flac,tier=premium --out song --keys keys.yaml
    """  # noqa: D301 - click wants a real backspace
    keys = read_key_file(key_file) if key_file else RawKeys()
    for text in key_texts:
        keys = keys.merged(parse_key(text))
    request = Request(
        inputs=[parse_input(text) for text in inputs],
        out=out,
        scheme=_scheme(scheme, keys),
        keys=keys,
        segment_s=Fraction(str(segment_s)),
        name=name,
        title=title,
        artist=artist,
        hls_form=HlsForm(hls_form),
        key_base=key_base,
        systems=KeySystems(
            widevine="widevine" in systems,
            playready="playready" in systems,
            fairplay="fairplay" in systems,
            widevine_provider=widevine_provider,
            content_id=_hex(content_id),
            playready_la_url=playready_la_url,
            clearkey_la_url=clearkey_la_url,
        ),
        force=force,
    )
    package = package_files(request)
    if as_json:
        write_json(_document(package, out))
    else:
        write_table([_row(one) for one in package.renditions])


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as exc:
        raise click.BadParameter(
            "hexadecimal digits are wanted", param_hint="--content-id"
        ) from exc


def _scheme(text: str | None, keys: RawKeys) -> Scheme:
    if text is None:
        return Scheme.CBCS if keys else Scheme.CLEAR
    scheme = Scheme(text)
    if bool(keys) is (scheme is Scheme.CLEAR):
        wanted = "takes no key" if keys else "needs a key: --key or --keys"
        raise click.UsageError(f"--scheme {text} {wanted}")
    return scheme


def _row(one: Rendition) -> tuple[str, ...]:
    return (
        one.file,
        one.codecs,
        f"{one.sample_rate_hz} Hz",
        f"{one.channels} ch",
        f"{one.average_bps // 1000} kbit/s",
        duration(float(one.duration_s)),
        f"{len(one.segments)} segments",
        one.scheme.value if one.kid is None else f"{one.scheme.value} {one.kid}",
    )


def _document(package: Package, out: Path) -> dict[str, object]:
    return {
        "name": package.track_id,
        "revision": package.revision,
        "out": str(out),
        "duration_s": float(package.duration_s),
        "hls": "multivariant.m3u8",
        "dash": None if package.renditions[0].scheme is Scheme.AES_128 else "manifest.mpd",
        "renditions": [
            {
                "name": one.name,
                "file": one.file,
                "tier": one.tier,
                "codecs": one.codecs,
                "sample_rate_hz": one.sample_rate_hz,
                "channels": one.channels,
                "bit_depth": one.bit_depth,
                "bandwidth_bps": one.peak_bps,
                "average_bps": one.average_bps,
                "segments": len(one.segments),
                "samples": one.trim.samples,
                "size": one.size,
                "sha256": one.sha256,
                "scheme": one.scheme.value,
                "kid": one.kid.hex if one.kid else None,
            }
            for one in package.renditions
        ],
    }
