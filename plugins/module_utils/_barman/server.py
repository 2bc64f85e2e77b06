# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One of Barman's servers on this host: its entry, its backups and its WAL, each read once.

This module util is private to the collection.
"""

from __future__ import annotations

from functools import cached_property

from .._postgres import wal
from .archive import Archive, read_archive
from .catalog import Backup, read_backups
from .command import Barman
from .configuration import ServerConfiguration


class Server:
    """What Barman has of a server, read on first use. Make another one to observe later changes.

    entry: its entry in Barman's configuration. The properties raise HostError if a directory can't be read.
    """

    def __init__(self, barman: Barman, entry: ServerConfiguration) -> None:
        self.barman = barman
        self.entry = entry

    @property
    def name(self) -> str:
        return self.entry.name

    @cached_property
    def backups(self) -> list[Backup]:
        return self.backups_now()

    def backups_now(self) -> list[Backup]:
        """The backups as they are now."""
        return read_backups(self.entry)

    @cached_property
    def segment_size(self) -> int:
        """The size of a WAL segment; PostgreSQL's default as long as no backup has it.

        Barman writes it when a backup is copied.
        """
        return next((one.segment_size for one in reversed(self.backups) if one.copied), wal.DEFAULT_SEGMENT_SIZE)

    @property
    def is_local(self) -> bool:
        """Whether its files are on this host, and not in an object store."""
        return not any("://" in self.entry.directory(one) for one in ("wals_directory", "basebackups_directory"))

    @cached_property
    def archive(self) -> Archive:
        return self.archive_now()

    def archive_now(self) -> Archive:
        """The WAL as it is now."""
        return read_archive(self.entry, self.barman, self.segment_size)
