# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.filter.missing_client import missing_client
from tests.unit.plugins.plugin_utils._topology.inventories import good, pg


def missing(*results: tuple[str, str]) -> str:
    found = good(more_pg={"other": pg("198.51.100.22", barman_postgres_version=16)})
    architecture: dict[str, Any] = {"topology": found.topology, "requirements": found.requirements}
    return missing_client([{"item": item, "stdout": stdout} for item, stdout in results], architecture, "backup")


def test_nothing_is_missing_if_every_package_has_a_source() -> None:
    assert missing(("postgresql-client-17", "Package: postgresql-client-17")) == ""
    # Another package than a client is missing: apt's own message has its name.
    assert missing(("something", "")) == ""


@pytest.mark.parametrize("package", ["postgresql-client-16", "postgresql16"])
def test_the_version_and_its_servers_are_named(package: str) -> None:
    text = missing(("postgresql-client-17", "x"), (package, ""))
    assert text.startswith("No package source of backup has PostgreSQL 16's client tools")
    assert "backs up or receives other." in text


def test_without_the_topology_it_is_an_error() -> None:
    with pytest.raises(AnsibleFilterError, match="'backup'"):
        missing_client([], {}, "backup")
