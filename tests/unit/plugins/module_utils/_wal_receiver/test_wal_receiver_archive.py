# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the receiver sees of the WAL archive."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import Session
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.observe import ReceiverHost
from tests.unit.plugins.module_utils._barman.barman_host import BarmanHost, segment


def no_connection(
    conninfo: str, user: str | None = None, server: str | None = None, *, replication: bool = False
) -> Session:
    raise AssertionError("nothing connects here")


def test_a_file_whose_name_is_as_long_as_a_wal_directory_s_is_none(tmp_path: Path) -> None:
    """Barman 3.13 and later name the list of WAL after the server: eight letters make it sixteen in all."""
    host = BarmanHost(tmp_path)
    wals = host.server("shop-one", streaming_archiver="on", slot_name="barman") / "wals"
    name = segment(3)
    (wals / name[:16]).mkdir()
    (wals / name[:16] / name).write_bytes(b"")
    (wals / "shop-one-xlog.db").write_text("")
    configuration = read(str(host.main))
    receiver = ReceiverHost(host.barman, configuration, configuration.server("shop-one"), no_connection)
    archived = receiver.archived(16 * 1024 * 1024)
    assert str(archived.newest) == name
