"""What a file is, by its first bytes: the only thing that chooses ffmpeg's demuxer.

ffmpeg left to guess opens a playlist named .wav and reads the files it names; so a format is
named to it (`-f`, `-format_whitelist`), and what is not in this table never reaches ffmpeg.
"""

from __future__ import annotations

from pathlib import Path

from pipeline.errors import BadMaster

_HEAD_BYTES = 64  # enough for every signature below
_W64_RIFF = bytes.fromhex("726966662e91cf11a5d628db04c10000")  # Sony Wave64: a GUID, "riff..."

_EXPORT = "deliver WAV, FLAC, AIFF or ALAC"
# Signature at offset 0 -> what it is: formats that people deliver by mistake.
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"ID3", "an MP3, which is lossy"),
    (b"OggS", "an Ogg file (Vorbis and Opus are lossy)"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM file"),
    (b"0&\xb2u\x8ef\xcf\x11", "a Windows Media file"),
    (b"#EXTM3U", "a playlist, not audio"),
    (b"wvpk", "a WavPack file"),
    (b"MAC ", "a Monkey's Audio file"),
    (b"DSD ", "a DSD file"),
    (b"FRM8", "a DSDIFF file"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"PK\x03\x04", "a ZIP archive"),
)


def sniff(path: Path) -> str:
    """The file's format by ffmpeg's name: wav, w64, flac, aiff, mov or caf.

    Raises BadMaster for a file that cannot be opened, is empty, or is something else.
    """
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
            if head.startswith(b"ID3"):  # some taggers put ID3 in front of a FLAC
                file.seek(_id3_size(head))
                head = _flac_or(head, file.read(4))
    except OSError as exc:
        raise _unreadable(path, exc) from exc
    if not head:
        raise BadMaster(path, "the file is empty", "copy it again")
    name = _format_of(head)
    if name is None:
        raise BadMaster(path, f"it is {_describe(head)}", _EXPORT)
    return name


def _flac_or(head: bytes, after: bytes) -> bytes:
    return after if after == b"fLaC" else head


def _format_of(head: bytes) -> str | None:
    if head[:4] in {b"RIFF", b"RF64", b"BW64"} and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in {b"AIFF", b"AIFC"}:
        return "aiff"
    if head[4:8] == b"ftyp":
        return "mov"
    for signature, name in ((_W64_RIFF, "w64"), (b"fLaC", "flac"), (b"caff", "caf")):
        if head.startswith(signature):
            return name
    return None


def _describe(head: bytes) -> str:
    for signature, what in _OTHERS:
        if head.startswith(signature):
            return what
    # MPEG audio and ADTS frames start with 11 or 12 set bits; ISO/IEC 11172-3, 2.4.1.3.
    if len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0:
        return "MPEG audio, which is lossy"
    is_text = all(byte >= 32 or byte in b"\t\r\n" for byte in head)
    return "a text file" if is_text else "not an audio file of a known kind"


def _id3_size(head: bytes) -> int:
    """Size of an ID3v2 tag with its header, bytes: four 7-bit digits. ID3v2.4.0, 3.1."""
    size = 0
    for digit in head[6:10]:
        size = size << 7 | digit & 0x7F
    return size + 10


def _unreadable(path: Path, exc: OSError) -> BadMaster:
    if isinstance(exc, PermissionError):
        return BadMaster(path, "no permission to read it", "check the file's owner and mode")
    return BadMaster(path, f"it cannot be read: {exc.strerror or exc}")
