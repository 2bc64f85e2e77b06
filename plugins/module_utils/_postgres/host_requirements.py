# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a PostgreSQL server requires of the host that it runs on: locales, libraries, and what it does to other servers by itself.

This module util is private to the collection. Barman's own connection is enough: its role can read all settings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

# A library of one of these that is missing ends the start, or every connection.
PRELOAD_SETTINGS = ("shared_preload_libraries", "session_preload_libraries", "local_preload_libraries")
# A value of one of these that the C library does not know ends the start.
LOCALE_SETTINGS = ("lc_messages", "lc_monetary", "lc_numeric", "lc_time")

_FIRST_MANAGERS = 15

_SYSTEM = "SELECT system_identifier::text AS system_identifier FROM pg_catalog.pg_control_system()"
# As the proof asks: a connection limit of -2 marks a database whose DROP was interrupted.
_DATABASES = (
    "SELECT datname, datcollate::text AS collate, datctype::text AS ctype FROM pg_catalog.pg_database "
    "WHERE datallowconn AND datconnlimit <> -2 ORDER BY datname"
)
# A file below the data directory is restored; one of /etc/postgresql is not.
_SETTINGS = (
    "SELECT name, reset_val AS setting, pg_catalog.starts_with(coalesce(sourcefile, ''), "
    "pg_catalog.current_setting('data_directory') || '/') AS restored FROM pg_catalog.pg_settings "
    "WHERE name IN ({}) AND reset_val <> ''"
).format(", ".join(f"'{name}'" for name in (*PRELOAD_SETTINGS, *LOCALE_SETTINGS, "cron.database_name")))
_OWN_SETTINGS = (
    "SELECT d.datname, r.rolname, pg_catalog.unnest(s.setconfig) AS setting FROM pg_catalog.pg_db_role_setting s "
    "LEFT JOIN pg_catalog.pg_database d ON d.oid = s.setdatabase LEFT JOIN pg_catalog.pg_roles r ON r.oid = s.setrole"
)
_MANAGERS = "SELECT rm_id, rm_name FROM pg_catalog.pg_get_wal_resource_managers() WHERE NOT rm_builtin ORDER BY rm_id"
_SUBSCRIPTIONS = (
    "SELECT d.datname || '/' || s.subname AS name FROM pg_catalog.pg_subscription s "
    "JOIN pg_catalog.pg_database d ON d.oid = s.subdbid WHERE s.subenabled ORDER BY 1"
)


class QueryableServer(Protocol):
    """An open connection to the server."""

    @property
    def version(self) -> int:
        """The server's major version, such as 17."""

    def query(self, sql: str, params: Sequence[Any] = ()) -> list[dict[str, Any]]:
        """Return the rows."""


@dataclass(frozen=True)
class HostRequirements:
    """What a server requires.

    databases: the locales of each, by its name. settings: those of PRELOAD_SETTINGS and LOCALE_SETTINGS that are not empty. restored: those
    of them that are from a file in the data directory. own_settings: those that a database or a role has, by "database x" or "role y".
    managers: custom WAL resource managers, by their ids. subscriptions: the enabled ones, as DATABASE/NAME. cron_database: where pg_cron runs.
    """

    system_identifier: str
    databases: Mapping[str, Sequence[str]] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    restored: Sequence[str] = ()
    own_settings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    managers: Mapping[str, str] = field(default_factory=dict)
    subscriptions: Sequence[str] = ()
    cron_database: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def restored_settings(self) -> dict[str, str]:
        """The settings that a recovery restores with the data directory."""
        return {name: self.settings[name] for name in self.restored if name in self.settings}


def ask(session: QueryableServer) -> HostRequirements:
    """Ask the server. Raises HostError."""
    rows = session.query(_SETTINGS)
    settings = {str(row["name"]): str(row["setting"]) for row in rows}
    managers = session.query(_MANAGERS) if session.version >= _FIRST_MANAGERS else []
    own: dict[str, dict[str, str]] = {}
    for row in session.query(_OWN_SETTINGS):
        name, _separator, value = str(row["setting"]).partition("=")
        if name in PRELOAD_SETTINGS and value:
            own.setdefault(_owner(row["datname"], row["rolname"]), {})[name] = value
    cron = settings.pop("cron.database_name", "")
    return HostRequirements(
        system_identifier=str(session.query(_SYSTEM)[0]["system_identifier"]),
        databases={str(row["datname"]): [str(row["collate"]), str(row["ctype"])] for row in session.query(_DATABASES)},
        settings=settings,
        restored=[str(row["name"]) for row in rows if row["restored"] and row["name"] in settings],
        own_settings=own,
        managers={str(row["rm_id"]): str(row["rm_name"]) for row in managers},
        subscriptions=[str(row["name"]) for row in session.query(_SUBSCRIPTIONS)],
        cron_database=cron if "pg_cron" in library_names(settings.get("shared_preload_libraries", "")) else "",
    )


def _owner(database: Any, role: Any) -> str:
    return " and ".join(f"{kind} {name}" for kind, name in (("database", database), ("role", role)) if name is not None)


def parse(value: Any) -> HostRequirements | None:
    """What as_dict made; None if it is something else."""
    try:
        return HostRequirements(
            system_identifier=str(value["system_identifier"]),
            databases={str(name): [str(one) for one in locales] for name, locales in value["databases"].items()},
            settings=_texts(value["settings"]),
            restored=[str(one) for one in value["restored"]],
            own_settings={str(owner): _texts(settings) for owner, settings in value["own_settings"].items()},
            managers=_texts(value["managers"]),
            subscriptions=[str(one) for one in value["subscriptions"]],
            cron_database=str(value["cron_database"]),
        )
    except (AttributeError, KeyError, TypeError):
        return None


def _texts(value: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(text) for key, text in value.items()}


def library_names(setting: str) -> list[str]:
    """The libraries that a setting such as shared_preload_libraries lists."""
    return [name for name in (one.strip().strip('"') for one in setting.split(",")) if name]
