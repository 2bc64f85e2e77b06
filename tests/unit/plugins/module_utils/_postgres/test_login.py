# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import psycopg.conninfo
import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.login import login_conninfo

PARAMS = {"login_user": "postgres", "login_port": 5433, "login_db": "o'b\\c"}


@pytest.mark.parametrize("directory", [None, "", "/run/pg"])
def test_the_connection_string_is_read_as_it_was_meant(directory: str | None) -> None:
    text = login_conninfo({**PARAMS, "login_unix_socket": directory})
    assert psycopg.conninfo.conninfo_to_dict(text) == {
        "user": "postgres",
        "port": "5433",
        "dbname": "o'b\\c",
        **({"host": "/run/pg"} if directory else {}),
    }
