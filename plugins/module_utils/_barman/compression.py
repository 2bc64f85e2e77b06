# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of an archived WAL file, whatever compressed it.

This module util is private to the collection. Nothing here reads or writes files.

A file's format is decided by its first bytes, as Barman does it, because Barman keeps the plain file's name. Python reads
gzip, bzip2 and xz by itself. For zstd and lz4 Barman needs a library, which is used if this Python has it, too. Everything
else (snappy, custom programs, encryption) only Barman can read.
"""

from __future__ import annotations

import bz2
import gzip
import importlib
import lzma
import re
import zlib
from collections.abc import Sequence
from typing import Any, Callable

Decompress = Callable[[bytes], bytes]

# The first line of a timeline history has a timeline's number, or is a comment.
_HISTORY = re.compile(rb"\s*(?:[0-9#]|\Z)")


class DamagedFile(ValueError):
    """The content is compressed in a known format, and can't be decompressed; the text contains the reason."""


class _Unavailable(Exception):
    """This Python has no library for the format."""


def _zstd(data: bytes) -> bytes:
    library = _library("zstandard")
    try:
        # Barman writes a stream: the frame does not contain its size, which the simpler function needs.
        reader = library.ZstdDecompressor().decompressobj()
        plain: bytes = reader.decompress(data)
    except library.ZstdError as exc:
        raise DamagedFile(str(exc)) from None
    if getattr(reader, "eof", True) is False:
        raise DamagedFile("it ends before the end of its zstd frame")
    return plain


def _lz4(data: bytes) -> bytes:
    try:
        plain: bytes = _library("lz4.frame").decompress(data)
    except RuntimeError as exc:
        raise DamagedFile(str(exc)) from None
    return plain


def _library(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise _Unavailable from None


# None: only Barman can read it.
_FORMATS: Sequence[tuple[bytes, Decompress | None]] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ\x00", lzma.decompress),
    (b"\x28\xb5\x2f\xfd", _zstd),
    (b"\x04\x22\x4d\x18", _lz4),
    (b"\xff\x06\x00\x00sNaPpY", None),
)


def decompress(data: bytes) -> bytes | None:
    """The plain content of compressed data; None if its format is none that is known here. Raises DamagedFile."""
    for magic, function in _FORMATS:
        if not data.startswith(magic) or function is None:
            continue
        try:
            return function(data)
        except _Unavailable:
            return None
        except (OSError, EOFError, ValueError, lzma.LZMAError, zlib.error) as exc:
            raise DamagedFile(str(exc)) from None
    return None


def is_history(data: bytes) -> bool:
    """Whether the data can be the text of a timeline history, and is not compressed or encrypted."""
    return _HISTORY.match(data) is not None and b"\0" not in data
