"""Small pictures that are real: a decoder of PNG or JPEG shows what is in them."""

from __future__ import annotations

import struct
import zlib


def png(seed: int = 0) -> bytes:
    """8 by 8 dots of one colour."""
    colour = bytes((seed * 73 + shift) % 256 for shift in (0, 85, 170))
    rows = (b"\0" + colour * 8) * 8
    head = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    parts = [_png_part(b"IHDR", head), _png_part(b"IDAT", zlib.compress(rows)), _png_part(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _png_part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def jpeg(comment: str) -> bytes:
    """8 by 8 dots of middle grey; the comment tells one from another.

    One block, whose only code of each table has one bit: no difference to the grey before it, and nothing else.
    """
    tables = _jpeg_part(0xDB, b"\0" + b"\1" * 64)
    frame = _jpeg_part(0xC0, struct.pack(">BHHB", 8, 8, 8, 1) + bytes((1, 0x11, 0)))
    lengths = bytes([1] + [0] * 15)
    codes = _jpeg_part(0xC4, b"\x00" + lengths + b"\0") + _jpeg_part(0xC4, b"\x10" + lengths + b"\0")
    scan = _jpeg_part(0xDA, bytes((1, 1, 0, 0, 63, 0))) + bytes([0b00111111])
    return b"\xff\xd8" + _jpeg_part(0xFE, comment.encode()) + tables + frame + codes + scan + b"\xff\xd9"


def _jpeg_part(marker: int, data: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data
