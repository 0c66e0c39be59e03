"""ffmpeg's words for a failure -> the one line that a person needs. Pure."""

from __future__ import annotations

import re
import signal

# In order of weight: a full disk makes ffmpeg complain of many things after it.
_KNOWN: tuple[tuple[str, str], ...] = (
    (r"No space left on device", "the disk is full (free some space and run it again)"),
    (r"Disk quota exceeded", "the disk quota is used up (free some space and run it again)"),
    (r"File too large", "ffmpeg was stopped: it wrote more than such a master can need"),
    (r"Permission denied", "no permission to read it (check the file's owner and mode)"),
    (r"No such file or directory", "there is no such file"),
    (
        r"Unknown encoder '([^']+)'",
        r"this ffmpeg has no encoder \1 (pip install headwater[ffmpeg])",
    ),
    (
        r"Cannot allocate memory|Failed to inject frame.*memory",
        "not enough memory to decode it",
    ),
    (
        r"corrupt input packet|Truncating packet|partial file|truncated",
        "the file ends before its audio does (copy it again, or export it again)",
    ),
    (
        r"decode_frame\(\) failed|CRC|Error while decoding|Decoding error|invalid residual",
        "its audio is damaged: a frame cannot be decoded (export the master again)",
    ),
    (
        r"not on whitelist|Invalid data found|moov atom not found|could not find codec",
        "its content is not the audio that its first bytes promise (export the master again)",
    ),
    (r": End of file$", "the file ends before its audio begins (copy it again)"),
)
_SIGNALS = {
    signal.SIGXFSZ: "was stopped: it wrote more than such a master can need",
    signal.SIGXCPU: "was stopped: it computed longer than such a master can need",
    signal.SIGSEGV: "crashed on it (export the master again)",
    signal.SIGABRT: "crashed on it (export the master again)",
    signal.SIGKILL: "was killed: out of memory, or it computed longer than it may",
}


def cause_of(stderr_tail: str, returncode: int, *, is_confined: bool = False) -> str:
    """The cause in one line, without the path; falls back to ffmpeg's own last line.

    bubblewrap, as a shell does, ends with 128 and the number of the signal that ended its child.
    """
    if returncode < 0:
        name = signal.Signals(-returncode).name
        return f"ffmpeg {_SIGNALS.get(signal.Signals(-returncode), f'ended by {name}')}"
    for pattern, cause in _KNOWN:
        found = re.search(pattern, stderr_tail)
        if found:
            return found.expand(cause)
    if is_confined and returncode - 128 in _SIGNALS:
        return f"ffmpeg {_SIGNALS[signal.Signals(returncode - 128)]}"
    lines = [line.strip() for line in stderr_tail.splitlines() if line.strip()]
    last = re.sub(r"^\[[^\]]* @ 0x[0-9a-f]+\] ", "", lines[-1]) if lines else "no message"
    return f"ffmpeg failed: {last}"
