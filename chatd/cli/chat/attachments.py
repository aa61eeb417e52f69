"""The wording of files in a terminal, and the names under which they are saved. Pure."""

import mimetypes
import re
from collections.abc import Mapping

Attachment = Mapping[str, object]

KINDS = ("picture", "video", "voice", "sticker", "file")

BARS = "▁▂▃▄▅▆▇█"
BARS_SHOWN = 16
UNITS = ("B", "KB", "MB", "GB", "TB")
NAME_BYTES = 120
"""Most bytes of the name of a saved file: the rest of 255 is for a number."""


def attachment_label(attachment: Attachment) -> str:
    """Return what an attachment is, in a few words: kind, name, size, duration, alternative text."""
    kind, alt = attachment.get("kind"), str(attachment.get("alt") or "")
    name = str(attachment.get("name") or "")
    if kind not in KINDS:
        parts = [name or str(attachment.get("mime", "file"))]
    elif kind == "voice":
        parts = ["voice", length(attachment.get("duration")) or "0:00", bars(attachment.get("waveform"))]
    else:
        parts = [str(kind), name, amount(attachment.get("size")), length(attachment.get("duration"))]
    label = " ".join(part for part in parts if part)
    return f"{label}: {alt}" if alt else label


def amount(size: object) -> str:
    """Return a number of bytes as a person says it; empty for anything else."""
    if not isinstance(size, int) or size < 0:
        return ""
    power, value = 0, float(size)
    while value >= 999.5 and power + 1 < len(UNITS):
        power, value = power + 1, value / 1000
    return f"{value:.1f} {UNITS[power]}" if value < 9.95 and power > 1 else f"{value:.0f} {UNITS[power]}"


def length(duration: object) -> str:
    """Return milliseconds as minutes and seconds; empty for anything else."""
    if not isinstance(duration, int) or duration < 0:
        return ""
    return f"{duration // 60_000}:{duration // 1000 % 60:02}"


def bars(waveform: object) -> str:
    """Return a waveform as blocks, each the highest of a group; empty for anything else (protocol.md, "Voice
    notes")."""
    if not isinstance(waveform, str) or not re.fullmatch(r"[0-9a-v]{64}", waveform):
        return ""
    peaks = [int(digit, 32) for digit in waveform]
    width = len(peaks) // BARS_SHOWN
    groups = [max(peaks[at : at + width]) for at in range(0, len(peaks), width)]
    return "".join(BARS[peak * len(BARS) // 32] for peak in groups)


def saved_name(attachment: Attachment) -> str:
    """Return a name for a saved file that leads nowhere else: the sender chose the one it came with."""
    last = re.split(r"[/\\]", str(attachment.get("name") or ""))[-1]
    name = "".join(letter for letter in last if letter.isprintable() and letter not in ':*?"<>|')
    name = name.strip(" .")
    if not name:
        ending = mimetypes.guess_extension(str(attachment.get("mime", ""))) or ""
        name = f"{attachment['kind'] if attachment.get('kind') in KINDS else 'file'}{ending}"
    stem, dot, ending = name.rpartition(".")
    if len(name.encode()) > NAME_BYTES:
        stem, ending = (stem, dot + ending) if len(ending.encode()) <= 10 else (name, "")
        name = stem.encode()[: NAME_BYTES - len(ending.encode())].decode(errors="ignore") + ending
    return name


def numbered(name: str, number: int) -> str:
    """Return the name of another file beside one: `harbour.jpg`, `harbour (2).jpg`."""
    stem, dot, ending = name.rpartition(".")
    if number < 2:
        return name
    return f"{stem} ({number}).{ending}" if dot and stem else f"{name} ({number})"
