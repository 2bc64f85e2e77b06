# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.host_packages import host_packages
from tests.unit.plugins.plugin_utils._topology.inventories import good, pg


def packages(host: str, family: str = "Debian", **variables: Any) -> dict[str, list[str]]:
    found = good(more_pg={"other": pg("198.51.100.22", barman_postgres_version=16)}, **variables)
    requirements: Any = found.requirements[host]
    return host_packages(requirements, family)


def test_a_postgres_host_needs_no_package_of_the_backup_server() -> None:
    assert packages("other") == {"postgres": ["python3-psycopg", "rsync"], "barman": [], "clients": []}


def test_a_backup_server_has_the_clients_of_all_its_servers() -> None:
    found = packages("backup")
    assert found["postgres"] == []
    assert found["barman"] == ["barman", "cron", "python3-psycopg", "rsync"]
    assert found["clients"] == ["postgresql-client-16", "postgresql-client-17"]


def test_red_hats_own_client_has_no_version_in_its_name() -> None:
    found = packages("backup", "RedHat")
    assert found["barman"] == ["barman", "cronie", "python3-psycopg3", "rsync"]
    assert found["clients"] == ["postgresql"]


REQUIRED: dict[str, Any] = {
    "barman": {
        "variables": {"barman_backup_packages": [], "barman_client_packages": [], "barman_package_source": "pgdg"},
        "packages": ["zstd"],
        "clouds": ["aws", "gcp"],
        "client_versions": [15],
    }
}


@pytest.mark.parametrize(
    ("family", "barman", "clients"),
    [
        ("Debian", ["barman", "cron", "python3-psycopg", "rsync", "zstd", "python3-boto3"], ["postgresql-client-15"]),
        ("RedHat", ["barman", "cronie", "python3-psycopg3", "rsync", "zstd", "python3-boto3"], ["postgresql15"]),
    ],
)
def test_what_compression_clouds_and_another_source_need(family: str, barman: list[str], clients: list[str]) -> None:
    assert host_packages(REQUIRED, family) == {"postgres": [], "barman": barman, "clients": clients}


def test_the_inventorys_names_replace_all_of_their_part() -> None:
    own = {"barman_backup_packages": ["my-barman"], "barman_client_packages": ["my-client"]}
    variables = {**REQUIRED["barman"]["variables"], **own}
    # No family is needed for them.
    found = host_packages({"barman": {**REQUIRED["barman"], "variables": variables}}, "Alpine")
    assert found == {"postgres": [], "barman": ["my-barman"], "clients": ["my-client"]}
    required = {"variables": {"barman_postgres_packages": ["mine"]}, "packages": ["barman-cli"]}
    assert host_packages({"postgres": required}, "Debian")["postgres"] == ["mine"]


@pytest.mark.parametrize("family", ["", "Alpine"])
def test_another_family_is_an_error_with_the_variables(family: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"os_family is '{family}'. Write barman_postgres_packages"):
        packages("backup", family)
