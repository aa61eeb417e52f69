"""Pages of a voice note in Ogg Opus, as a recorder sends them while it is spoken (RFC 3533, RFC 7845)."""

FRAME_MS, SAMPLES_PER_MS = 20, 48
SILENCE = b"\xf8\xff\xfe"  # a frame
FIRST, LAST = 2, 4


def note(count: int, page_s: float) -> list[bytes]:
    """Return a note: its head, its comments, which are none, and pages of sound of so many seconds."""
    frames = round(page_s * 1000 / FRAME_MS)
    head = b"OpusHead\x01\x01\x38\x01" + (48_000).to_bytes(4, "little") + bytes(3)
    pages = [_page(FIRST, 0, 0, [head]), _page(0, 0, 1, [b"OpusTags" + bytes(8)])]
    for number in range(count):
        samples = (number + 1) * frames * FRAME_MS * SAMPLES_PER_MS
        pages.append(_page(LAST if number + 1 == count else 0, samples, number + 2, [SILENCE] * frames))
    return pages


def _page(flags: int, samples: int, number: int, packets: list[bytes]) -> bytes:
    begins = b"OggS\0" + bytes((flags,)) + samples.to_bytes(8, "little") + (7).to_bytes(4, "little")
    begins += number.to_bytes(4, "little")
    rest = bytes((len(packets), *map(len, packets))) + b"".join(packets)
    return begins + _checksum(begins + bytes(4) + rest).to_bytes(4, "little") + rest


def _checksum(content: bytes) -> int:
    value = 0
    for byte in content:
        value ^= byte << 24
        for _ in range(8):
            value = (value << 1 ^ (0x04C11DB7 if value & 0x80000000 else 0)) & 0xFFFFFFFF
    return value
