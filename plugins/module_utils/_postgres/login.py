# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the modules on a PostgreSQL host connect to it: by its socket, as a superuser.

This module util is private to the collection. The doc fragment _login describes the arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from .connection import Session, connect


def login_argument_spec() -> dict[str, Any]:
    return {
        "user": {"type": "str", "default": "postgres"},
        "login_user": {"type": "str", "default": "postgres"},
        "login_port": {"type": "int", "default": 5432},
        "login_unix_socket": {"type": "path"},
        "login_db": {"type": "str", "default": "postgres"},
    }


def login_conninfo(params: Mapping[str, Any]) -> str:
    """libpq's connection string to the local socket. Needs psycopg."""
    import psycopg.conninfo

    return psycopg.conninfo.make_conninfo(
        "",
        user=params["login_user"],
        port=params["login_port"],
        dbname=params["login_db"],
        host=params["login_unix_socket"] or None,
    )


@contextmanager
def logged_in(params: Mapping[str, Any]) -> Iterator[Session]:
    """A connection with these arguments, closed in the end. Raises ConnectionFailed."""
    session = connect(login_conninfo(params), params["user"])
    try:
        yield session
    finally:
        session.close()
