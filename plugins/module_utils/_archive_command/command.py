# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text of archive_command.

This module util is private to the collection.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from typing import Literal

#: A comment to the shell, by which the collection recognizes its own commands.
MARK = "# pgdr.barman"
#: Archives nothing and reports success. With an empty command, PostgreSQL would keep all WAL for ever while archive_mode is on.
NOTHING = "/bin/true " + MARK
ArchiveMethod = Literal["barman-wal-archive", "rsync"]
ArchiveCompression = Literal["none", "gzip", "bzip2", "xz", "snappy", "zstd", "lz4"]
METHODS: tuple[ArchiveMethod, ...] = ("barman-wal-archive", "rsync")
COMPRESSIONS: tuple[ArchiveCompression, ...] = ("none", "gzip", "bzip2", "xz", "snappy", "zstd", "lz4")
RSYNC_COMPRESSIONS: tuple[ArchiveCompression, ...] = ("none", "gzip", "zstd", "lz4")
#: From this version on barman-wal-archive compresses, and the other side knows what it gets.
COMPRESSION_SINCE = (3, 14)
_DOES_NOTHING = re.compile(r"(?:(?:/usr)?/bin/)?true|:|exit 0|cd \.|\(disabled\)|")


@dataclass(frozen=True)
class ArchiveTarget:
    """Where WAL goes. server: Barman's name. directory: Barman's incoming directory, for rsync. md5: Barman there knows no SHA256 sums."""

    server: str
    host: str
    port: int = 22
    user: str = "barman"
    method: ArchiveMethod = "barman-wal-archive"
    compression: ArchiveCompression = "none"
    directory: str | None = None
    md5: bool = False

    @property
    def address(self) -> str:
        return f"{self.user}@{self.host}, port {self.port}"


def archive_command(target: ArchiveTarget) -> str:
    """The command, without the mark. PostgreSQL puts in %p, the file's path, and %f, its name."""
    if target.method == "rsync":
        remote = f"[{target.host}]" if ":" in target.host else target.host
        ssh = ["ssh", "-q", "-o", "BatchMode=yes"] + (["-p", str(target.port)] if target.port != 22 else [])
        words = ["rsync", "--archive"]
        if target.compression == "gzip":
            words.append("--compress")
        elif target.compression != "none":
            words.append(f"--compress-choice={target.compression}")
        words += ["--rsh", " ".join(ssh)]
        destination = "{}@{}:{}/".format(target.user, remote, (target.directory or "").rstrip("/"))
        return f"{_quoted(words)} %p {_quoted([destination])}%f"
    words = ["barman-wal-archive"]
    if target.port != 22:
        words += ["--port", str(target.port)]
    if target.compression != "none":
        words.append("--" + target.compression)
    if target.md5:
        words.append("--md5")
    words += ["--user", target.user, target.host, target.server]
    return _quoted(words) + " %p"


def _quoted(words: list[str]) -> str:
    return shlex.join(words).replace("%", "%%")


def marked(command: str, timeout: int | None = None) -> str:
    """The command with our mark, which also notes the archive_timeout that was set with it."""
    return "{} {}{}".format(command, MARK, "" if timeout is None else f" archive_timeout={timeout}")


def is_ours(command: str) -> bool:
    return MARK in command


def noted_timeout(command: str) -> int | None:
    """The archive_timeout that was set with our command."""
    found = re.search(re.escape(MARK) + r" archive_timeout=(\d+)", command)
    return int(found.group(1)) if found else None


def does_nothing(command: str) -> bool:
    return bool(_DOES_NOTHING.fullmatch(command.split(MARK)[0].strip()))
