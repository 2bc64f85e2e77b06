# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of WAL files, and positions in the WAL.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from .._host.process import HostError

DEFAULT_SEGMENT_SIZE = 16 * 1024 * 1024
_LOG_SIZE = 1 << 32  # one number of the name's middle part covers 4 GiB
_COMPRESSED = (".gz", ".bz2", ".xz", ".zst", ".lz4", ".sz", ".snappy")
_SEGMENT_LENGTH = 24
_SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})(\.partial)?\Z")
_PLAIN = frozenset("0123456789ABCDEF")
_DIRECTORY = re.compile(r"[0-9A-F]{16}\Z")
_HISTORY = re.compile(r"([0-9A-F]{8})\.history\Z")
_BACKUP_LABEL = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})\.([0-9A-F]{8})\.backup\Z")
_LSN = re.compile(r"([0-9A-Fa-f]{1,8})/([0-9A-Fa-f]{1,8})\Z")


class WalError(HostError, ValueError):
    """A name, a position or a history that can't be what it claims to be; the text is for the person who reads it."""


class Segment(NamedTuple):
    """A WAL segment: its timeline, and the two halves of its number as they stand in the file's name.

    A tuple, because an archive has thousands of them.
    """

    timeline: int
    log: int
    seg: int

    def __str__(self) -> str:
        return f"{self.timeline:08X}{self.log:08X}{self.seg:08X}"

    def number(self, segment_size: int = DEFAULT_SEGMENT_SIZE) -> int:
        """How many segments of that size the WAL has before this one."""
        per_log = segments_per_log(segment_size)
        if self.seg >= per_log:
            raise WalError(f"{self} can't be a WAL segment of {segment_size} bytes")
        return self.log * per_log + self.seg

    def begin_lsn(self, segment_size: int = DEFAULT_SEGMENT_SIZE) -> int:
        return self.number(segment_size) * segment_size

    def next(self, segment_size: int = DEFAULT_SEGMENT_SIZE) -> Segment:
        return segment_of_number(self.timeline, self.number(segment_size) + 1, segment_size)

    @property
    def directory(self) -> str:
        """The directory in Barman's wals_directory that has it."""
        return f"{self.timeline:08X}{self.log:08X}"


WalFileKind = Literal["segment", "partial", "history", "backup_label"]


@dataclass(frozen=True)
class WalFileName:
    """The name of a file in a WAL directory, as a value."""

    kind: WalFileKind
    timeline: int
    segment: Segment | None = None

    @property
    def name(self) -> str:
        """The name without a compression's ending; for a backup label that of its segment."""
        if self.segment is None:
            return f"{self.timeline:08X}.history"
        return f"{self.segment}{'.partial' if self.kind == 'partial' else ''}"


def segments_per_log(segment_size: int) -> int:
    """How many segments have the same number in the middle of their names."""
    return _LOG_SIZE // segment_size


def segment_of_number(timeline: int, number: int, segment_size: int = DEFAULT_SEGMENT_SIZE) -> Segment:
    per_log = segments_per_log(segment_size)
    return Segment(timeline, number // per_log, number % per_log)


def segment_of_lsn(timeline: int, lsn: int, segment_size: int = DEFAULT_SEGMENT_SIZE) -> Segment:
    """The segment that has the byte at that position."""
    return segment_of_number(timeline, lsn // segment_size, segment_size)


def parse_segment(name: str) -> Segment:
    """The segment of a 24-digit name, with .partial or not. Raises WalError."""
    parsed = parse(name)
    if parsed is None or parsed.segment is None or parsed.kind == "backup_label":
        raise WalError(f"'{name}' is not the name of a WAL segment")
    return parsed.segment


def plain_segment(name: str) -> Segment | None:
    """The segment that a file with this name has whole and uncompressed, or with Barman's compression; None for any other name.

    An archive has thousands of these, so this is faster than parse().
    """
    if len(name) != _SEGMENT_LENGTH or not _PLAIN.issuperset(name):
        return None
    return Segment(int(name[:8], 16), int(name[8:16], 16), int(name[16:], 16))


def plain_segments(directory: str, names: Sequence[str]) -> list[Segment] | None:
    """The segments of these names, in their order, if the files in a WAL directory are all of its plain segments; None if one is not.

    directory: its name. For thousands of names this is faster than plain_segment() for each.
    """
    if not _DIRECTORY.match(directory):
        return None
    # No name contains a slash.
    found = re.findall(rf"/{directory}([0-9A-F]{{8}})(?=/)", "".join(f"/{name}" for name in names) + "/")
    if len(found) != len(names):
        return None
    timeline, log = int(directory[:8], 16), int(directory[8:], 16)
    return [Segment(timeline, log, int(number, 16)) for number in found]


def parse(name: str) -> WalFileName | None:
    """The name of a file, without directories, as a value; None for a file that is not WAL."""
    if len(name) > _SEGMENT_LENGTH and name.endswith(_COMPRESSED):
        name = name[: name.rindex(".")]
    found = _SEGMENT.match(name)
    if found:
        segment = Segment(*(int(part, 16) for part in found.groups()[:3]))
        return WalFileName("partial" if found.group(4) else "segment", segment.timeline, segment)
    found = _HISTORY.match(name)
    if found:
        return WalFileName("history", int(found.group(1), 16))
    found = _BACKUP_LABEL.match(name)
    if found:
        segment = Segment(*(int(part, 16) for part in found.groups()[:3]))
        return WalFileName("backup_label", segment.timeline, segment)
    return None


def segments_in(names: Iterable[str]) -> set[Segment]:
    """The complete segments among file names."""
    found = (parse(name) for name in names)
    return {file.segment for file in found if file is not None and file.kind == "segment" and file.segment}


def parse_lsn(text: str) -> int:
    """A position such as 1/6B37D0A8 as a number. Raises WalError."""
    found = _LSN.match(text.strip())
    if not found:
        raise WalError(f"'{text}' is not a position in the WAL; one looks like 1/6B37D0A8")
    return int(found.group(1), 16) * _LOG_SIZE + int(found.group(2), 16)


def is_lsn(text: str) -> bool:
    return _LSN.match(text) is not None


def format_lsn(lsn: int) -> str:
    return f"{lsn // _LOG_SIZE:X}/{lsn % _LOG_SIZE:X}"
