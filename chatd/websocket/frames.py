"""Server WebSocket frames as bytes (RFC 6455 section 5.2), and protocol.md "The deflate wrapper".

Server frames are unmasked and carry nothing per recipient, so one bytes object serves every connection.
"""

import struct
import zlib

_TEXT = 0x81  # FIN + opcode 1
_BINARY = 0x82  # FIN + opcode 2

_WRAPPER_TYPE = 1  # the ext type of protocol.md "The deflate wrapper"
_SIZE_RATIO_MAX = 0.9  # protocol.md "The deflate wrapper": a wrapper must save at least 10 %
# Text hardly shrinks further above 6; the wrapper is made once a packet, not once a recipient.
_DEFLATE_LEVEL = 6
_RAW = -15  # raw DEFLATE with the full 32 KiB window, no zlib header: every phone platform inflates it


def binary_frame(payload: bytes) -> bytes:
    """Return `payload` as one final binary frame."""
    return _head(_BINARY, len(payload)) + payload


def text_frame(payload: bytes) -> bytes:
    """Return `payload`, which must be UTF-8, as one final text frame."""
    return _head(_TEXT, len(payload)) + payload


def deflate_wrapper(payload: bytes, min_bytes: int) -> bytes | None:
    """Wrap a MessagePack packet or batch in `deflate`, not yet framed.

    None when it is shorter than `min_bytes` (config: delivery.deflate_min_bytes) or would save less than 10 %.
    """
    if len(payload) < min_bytes:
        return None
    deflater = zlib.compressobj(_DEFLATE_LEVEL, zlib.DEFLATED, _RAW)
    content = deflater.compress(payload) + deflater.flush()
    wrapper = _ext_head(len(content)) + content
    return wrapper if len(wrapper) <= len(payload) * _SIZE_RATIO_MAX else None


def _head(first: int, length: int) -> bytes:
    if length < 126:
        return bytes((first, length))
    if length < 1 << 16:
        return struct.pack("!BBH", first, 126, length)
    return struct.pack("!BBQ", first, 127, length)


def _ext_head(length: int) -> bytes:
    if length < 1 << 8:
        return struct.pack("!BBb", 0xC7, length, _WRAPPER_TYPE)
    if length < 1 << 16:
        return struct.pack("!BHb", 0xC8, length, _WRAPPER_TYPE)
    return struct.pack("!BIb", 0xC9, length, _WRAPPER_TYPE)
