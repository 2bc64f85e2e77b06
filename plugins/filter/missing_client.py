# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import require_host

DOCUMENTATION = r"""
name: missing_client
short_description: Name the PostgreSQL version whose client tools no package source has
version_added: 1.0.0
description:
  - Finds the first client package that no package source has, and returns what to do about it.

author:
  - pgdr.barman contributors (@pgdr)
positional: architecture, host
options:
  _input:
    description:
      - The C(results) of a registered loop over the names of client packages. An empty C(stdout) means that no source has the package.
    type: list
    elements: dict
    required: true
  architecture:
    description: What M(pgdr.barman.topology) returned.
    type: dict
    required: true
  host:
    description: The backup server's name in the inventory.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Fail with the package that is missing
  ansible.builtin.fail:
    msg: "{{ sources.results | pgdr.barman.missing_client(architecture, inventory_hostname) }}"
"""

RETURN = r"""
_value:
  description: What is missing, and what to do. An empty text if a source has every package.
  type: str
"""


_VERSION = re.compile(r"postgresql(?:-client-)?([0-9]+)\Z")


def missing_client(results: Sequence[Mapping[str, Any]], architecture: Mapping[str, Any], host: str) -> str:
    """What is missing, and what to do; "" if nothing is."""
    require_host("missing_client", architecture, host)
    missing = (_VERSION.match(str(result["item"])) for result in results if not result.get("stdout"))
    version = next((found[1] for found in missing if found is not None), "")
    if not version:
        return ""
    known = architecture["topology"]["postgres_servers"]
    servers = [
        entry["host"]
        for entry in architecture["requirements"][host]["barman"]["servers"]
        if entry["host"] in known and known[entry["host"]]["version"] == int(version)
    ]
    return (
        f"No package source of {host} has PostgreSQL {version}'s client tools, with which Barman backs up or receives {', '.join(servers)}. "
        "Add a source that has them (barman_package_source: pgdg has every version that is maintained). Or write barman_client_packages with the package of "
        "a newer version that is there, and barman_client_directory with its directory, such as postgresql-client-18 and /usr/lib/postgresql/18/bin. Newer "
        "tools work with older servers, except for block-level increments. Nothing was installed."
    )


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"missing_client": missing_client}
