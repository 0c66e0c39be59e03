"""`headwater check`: what is wrong with anybody's package."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from packager.check import Finding, Severity, inspect
from pipeline.byte_sources import ByteSources
from pipeline.cli.output import FAILED, WrongUsage, printable, write_json
from pipeline.raw_keys import RawKeys, parse_key, read_key_file

_SUFFIXES = frozenset((".m3u8", ".mpd", ".mp4", ".m4a", ".cmfa"))


@click.command("check")
@click.argument("targets", metavar="FILE|FOLDER|URL...", nargs=-1, required=True)
@click.option(
    "--key",
    "key_texts",
    metavar="KID:KEY",
    multiple=True,
    help="Decrypt with this key, in hexadecimal digits. Other users of the machine can see what "
    "is on a command line: --keys hides it.",
)
@click.option(
    "--keys",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="YAML file of keys, as `headwater package` takes it.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per finding.")
def check_command(
    targets: tuple[str, ...], key_texts: tuple[str, ...], key_file: Path | None, *, as_json: bool
) -> None:
    """Inspect audio packages, anybody's, by the specifications.

    Takes multivariant and media playlists, MPDs, MP4 files, and folders of them; local or by
    http(s). Follows a manifest to all that it names; with keys, samples are decrypted and looked
    at. Ends with 0 if there are no errors, 1 if there are, 2 if it was asked for wrongly.

    \b
    headwater check song/
    headwater check https://cdn.example/song/multivariant.m3u8
    headwater check song/manifest.mpd --key $KID:$KEY --json
    """  # noqa: D301 - click wants a real backspace
    keys = read_key_file(key_file) if key_file else RawKeys()
    by_kid = _by_kid([keys, *(parse_key(text) for text in key_texts)])
    addresses = [address for target in targets for address in _addresses(target)]
    findings = inspect(ByteSources(), addresses, by_kid)
    for finding in findings:
        _show(finding, as_json=as_json)
    counts = Counter(finding.severity for finding in findings)
    if not as_json:
        summary = ", ".join(_count(counts[one], one) for one in Severity)
        click.echo(f"{_count(len(addresses), 'file')} checked: {summary}", err=True)
    if counts[Severity.ERROR]:
        sys.exit(FAILED)


def _by_kid(all_keys: Iterable[RawKeys]) -> dict[bytes, bytes]:
    found = {}
    for keys in all_keys:
        ones = (keys.default, *keys.tiers.values(), *keys.inputs.values())
        found.update({one.kid.value: one.key for one in ones if one})
    return found


def _addresses(target: str) -> list[str]:
    """The address of a file, or of every file of a folder that can be inspected."""
    if urlsplit(target).scheme in {"http", "https"}:
        return [target]
    path = Path(target)
    if path.is_dir():
        inside = sorted(one for one in path.rglob("*") if one.suffix.lower() in _SUFFIXES)
        if not inside:
            raise WrongUsage(f"{target}: nothing to check in this folder (name a manifest)")
        return [one.resolve().as_uri() for one in inside]
    if not path.is_file():
        raise WrongUsage(f"{target}: no such file (name a file, a folder or a URL)")
    return [path.resolve().as_uri()]


def _show(finding: Finding, *, as_json: bool) -> None:
    file = _shown(finding.file)
    if as_json:
        write_json({**asdict(finding), "file": file})
        return
    at = "" if finding.offset is None else f" at byte {finding.offset}"
    where = f"{file}: {finding.path}{at}" if finding.path else f"{file}{at}"
    click.echo(printable(f"{finding.severity.value} {finding.rule}  {where}"))
    click.echo(printable(f"    {finding.problem} ({finding.remedy})"))
    answers = f"; {finding.answers}" if finding.answers else ""
    click.echo(printable(f"    {finding.clause}{answers}"))


def _shown(address: str) -> str:
    """A local file by its path, from here if that is shorter."""
    parts = urlsplit(address)
    if parts.scheme != "file":
        return address
    path = Path(unquote(parts.path))
    here = Path.cwd()
    text = str(path.relative_to(here) if path.is_relative_to(here) else path)
    return f"{text}#{parts.fragment}" if parts.fragment else text


def _count(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
