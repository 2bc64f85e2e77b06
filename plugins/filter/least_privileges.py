# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.pgdr.barman.plugins.module_utils._postgres import privileges

DOCUMENTATION = r"""
name: least_privileges
short_description: Return the privileges that Barman's management role needs
version_added: 1.0.0
description:
  - Returns what Barman's management role needs in a PostgreSQL version. These are memberships in predefined roles, and functions that the role must be
    able to execute.
  - The role needs no other privileges, and it does not have to be a superuser.
  - With PostgreSQL 15 and later, the roles include C(pg_checkpoint). Without it, Barman can't switch to a new WAL segment on an idle server.
author:
  - pgdr.barman contributors (@pgdr)
options:
  _input:
    description: The major version of PostgreSQL, V(13) to V(18).
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Grant the functions to the role
  community.postgresql.postgresql_privs:
    login_db: postgres
    type: function
    schema: pg_catalog
    objs: "{{ (17 | pgdr.barman.least_privileges).functions | join(',') }}"
    privs: EXECUTE
    roles: barman
"""

RETURN = r"""
_value:
  description: The privileges that the role needs.
  type: dict
  contains:
    memberships:
      description: The predefined roles.
      type: list
      elements: str
      sample: [pg_checkpoint, pg_read_all_settings, pg_read_all_stats]
    functions:
      description: The functions of the schema C(pg_catalog), with the types of their arguments.
      type: list
      elements: str
      sample: ["pg_create_restore_point(text)", "pg_switch_wal()", "pg_backup_start(text, boolean)", "pg_backup_stop(boolean)"]
"""


def least_privileges(version: int) -> dict[str, list[str]]:
    """Memberships and functions for that major version."""
    if isinstance(version, bool) or not isinstance(version, int):
        raise AnsibleFilterError(f"least_privileges needs PostgreSQL's major version as a number, not {version!r}")
    try:
        least = privileges.least_privileges(version)
    except ValueError as error:
        raise AnsibleFilterError(f"least_privileges: {error}") from error
    return {"memberships": list(least.memberships), "functions": list(least.functions)}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        return {"least_privileges": least_privileges}
