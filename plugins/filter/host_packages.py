# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.plugin_utils import packages

DOCUMENTATION = r"""
name: host_packages
short_description: Return the packages that a host needs
version_added: 1.0.0
description:
  - Returns the names of the packages that the roles install, by the family of the host's operating system.
  - C(barman_postgres_packages), C(barman_backup_packages) and C(barman_client_packages) replace the names of their part.
author:
  - pgdr.barman contributors (@pgdr)
positional: family
options:
  _input:
    description: The requirements of the host, as M(pgdr.barman.topology) returns them.
    type: dict
    required: true
  family:
    description: The family of the operating system, as the fact C(os_family) reports it. V(Debian) or V(RedHat).
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show the packages
  ansible.builtin.debug:
    msg: "{{ barman_topology.requirements[inventory_hostname] | pgdr.barman.host_packages(ansible_facts['os_family']) }}"
"""

RETURN = r"""
_value:
  description:
    - Three lists of names. C(postgres) is what a PostgreSQL host needs beside PostgreSQL. C(barman) is what a backup server needs, and C(clients) are
      PostgreSQL's client packages there. A part that the host does not have is empty.
  type: dict
  sample: {"postgres": [], "barman": ["barman", "cron", "python3-psycopg", "rsync"], "clients": ["postgresql-client-17"]}
"""


def host_packages(requirements: Mapping[str, Any], family: str) -> dict[str, list[str]]:
    """The names by part. Raises AnsibleFilterError for an unknown family."""
    try:
        return packages.host_packages(requirements, family)
    except KeyError:
        if family in packages.FAMILIES:
            raise
        known = " and ".join(packages.FAMILIES)
        raise AnsibleFilterError(
            f"the collection knows the packages of {known}, and this host's os_family is '{family}'. Write barman_postgres_packages, or "
            "barman_backup_packages and barman_client_packages, and install these packages yourself"
        ) from None


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"host_packages": host_packages}
