# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL's backup manifest: the files of a backup, with their sizes and checksums.

This module util is private to the collection. Nothing here reads or writes files. The format is described in
PostgreSQL's manual, chapter "Backup Manifest Format"; pg_basebackup writes it, and "barman generate-manifest".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from .crc32c import crc32c

NAME = "backup_manifest"
NO_CHECKSUM = "NONE"
_HASHES = {"SHA224": "sha224", "SHA256": "sha256", "SHA384": "sha384", "SHA512": "sha512"}
_CHECKSUM_LINE = b'"Manifest-Checksum"'
# What pg_verifybackup passes over as well: it is written after the manifest, or has its own checksums.
_IGNORED = ("backup_manifest", "postgresql.auto.conf", "recovery.signal", "standby.signal")
_IGNORED_DIRECTORY = "pg_wal/"


class ManifestError(ValueError):
    """The text is not an intact manifest; the error contains the reason."""


class Sum(Protocol):
    """A checksum that is computed piece by piece."""

    def update(self, data: bytes, /) -> object:
        """Add data."""

    def hexdigest(self) -> str:
        """Return the checksum of the added data."""


@dataclass(frozen=True)
class ManifestFile:
    """One file. checksum: in hexadecimal digits, as the algorithm has it."""

    path: str
    size: int
    algorithm: str
    checksum: str


@dataclass(frozen=True)
class Manifest:
    """files: by their paths in the data directory; those of a tablespace begin with pg_tblspc/OID."""

    files: Mapping[str, ManifestFile]
    system_identifier: int | None = None

    @property
    def algorithms(self) -> list[str]:
        return sorted({one.algorithm for one in self.files.values()})

    @property
    def bytes(self) -> int:
        return sum(one.size for one in self.files.values())


class _Crc32c:
    def __init__(self) -> None:
        self._crc = 0

    def update(self, data: bytes, /) -> None:
        self._crc = crc32c(data, self._crc)

    def hexdigest(self) -> str:
        # PostgreSQL writes the four bytes as they lie in memory.
        return self._crc.to_bytes(4, "little").hex()


class _NoSum:
    def update(self, data: bytes, /) -> None:
        pass

    def hexdigest(self) -> str:
        return ""


def new_sum(algorithm: str) -> Sum:
    """A checksum of that algorithm. Raises ManifestError if PostgreSQL has no such one."""
    if algorithm == "CRC32C":
        return _Crc32c()
    if algorithm == NO_CHECKSUM:
        return _NoSum()
    if algorithm in _HASHES:
        return hashlib.new(_HASHES[algorithm])
    raise ManifestError(f"its checksum algorithm '{algorithm}' is unknown")


def parse_manifest(data: bytes) -> Manifest:
    """Read a manifest, and verify its own checksum. Raises ManifestError."""
    start = data.rfind(_CHECKSUM_LINE)
    if start < 0:
        raise ManifestError("it has no checksum of itself at its end")
    try:
        content = json.loads(data)
        if content["Manifest-Checksum"].lower() != hashlib.sha256(data[:start]).hexdigest():
            raise ManifestError("its checksum of itself is wrong")
        files = [_file(entry) for entry in content.get("Files", ())]
        identifier = content.get("System-Identifier")
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        if isinstance(exc, ManifestError):
            raise
        raise ManifestError(f"it is not a valid backup manifest: {exc}") from None
    return Manifest(
        {one.path: one for one in files if not is_ignored(one.path)}, None if identifier is None else int(identifier)
    )


def _file(entry: Mapping[str, Any]) -> ManifestFile:
    # A name that is not UTF-8 is written as hexadecimal digits.
    encoded = entry.get("Encoded-Path")
    path = bytes.fromhex(encoded).decode("utf-8", "surrogateescape") if encoded is not None else str(entry["Path"])
    algorithm = str(entry.get("Checksum-Algorithm", NO_CHECKSUM)).upper()
    new_sum(algorithm)
    if path.startswith("/") or ".." in path.split("/"):
        raise ManifestError(f"it names a file outside of the backup: {path}")
    return ManifestFile(path, int(entry["Size"]), algorithm, str(entry.get("Checksum", "")).lower())


def is_ignored(path: str) -> bool:
    """Whether pg_verifybackup passes over the file."""
    return path in _IGNORED or path.startswith(_IGNORED_DIRECTORY)
