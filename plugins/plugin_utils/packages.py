# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packages that a host needs, by the family of its operating system.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class _Family(NamedTuple):
    """postgres, barman: what each side always needs. clouds: by Barman's name of a provider. client: its package's name before the version."""

    postgres: tuple[str, ...]
    barman: tuple[str, ...]
    clouds: Mapping[str, tuple[str, ...]]
    client: Mapping[str, str]


# This collection's modules connect with psycopg. Barman restores with rsync, whatever the backup method is. archive_command may run rsync.
# No distribution has Google's library; Barman reports which one is missing.
_FAMILIES: Mapping[str, _Family] = {
    "Debian": _Family(
        ("python3-psycopg", "rsync"),
        ("barman", "cron", "python3-psycopg", "rsync"),
        {"aws": ("python3-boto3",), "azure": ("python3-azure",), "gcp": ()},
        {"distribution": "postgresql-client-", "pgdg": "postgresql-client-"},
    ),
    # The distribution's own client has the version of its module stream, and no version in its name.
    "RedHat": _Family(
        ("python3-psycopg3", "rsync"),
        ("barman", "cronie", "python3-psycopg3", "rsync"),
        {"aws": ("python3-boto3",), "azure": (), "gcp": ()},
        {"pgdg": "postgresql"},
    ),
}
FAMILIES = tuple(_FAMILIES)
_UNVERSIONED_CLIENT = "postgresql"


def host_packages(requirements: Mapping[str, Any], family: str) -> dict[str, list[str]]:
    """postgres, barman, clients: the names for each part of the host, none for a part that it does not have.

    requirements: those of the host, as the topology has them. The inventory's own names replace all of their part. Raises KeyError if another part
    needs the names of a family that is not one of FAMILIES.
    """
    postgres, barman = requirements.get("postgres"), requirements.get("barman")
    found: dict[str, list[str]] = {"postgres": [], "barman": [], "clients": []}
    if postgres is not None:
        own = postgres["variables"]["barman_postgres_packages"]
        found["postgres"] = list(own or (*_FAMILIES[family].postgres, *postgres["packages"]))
    if barman is not None:
        own = barman["variables"]["barman_backup_packages"]
        found["barman"] = list(own or _barman(barman, _FAMILIES[family]))
        own = barman["variables"]["barman_client_packages"]
        found["clients"] = list(own or _clients(barman, _FAMILIES[family]))
    return found


def _barman(required: Mapping[str, Any], family: _Family) -> list[str]:
    clouds = [name for provider in required["clouds"] for name in family.clouds[provider]]
    return [*family.barman, *required["packages"], *clouds]


def _clients(required: Mapping[str, Any], family: _Family) -> list[str]:
    prefix = family.client.get(required["variables"]["barman_package_source"])
    if prefix is None:
        return [_UNVERSIONED_CLIENT]
    return [f"{prefix}{version}" for version in required["client_versions"]]
