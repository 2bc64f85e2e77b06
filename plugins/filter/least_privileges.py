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
short_description: Say what Barman's management role needs in a PostgreSQL version
version_added: 1.0.0
description:
  - Names the predefined roles that the management role must be a member of, and the functions that it must be able to execute. It
    needs no more, and no superuser.
  - From PostgreSQL 15 on this includes C(pg_checkpoint), without which Barman cannot force a new WAL segment on an idle server.
author:
  - pgdr.barman contributors (@pgdr)
options:
  _input:
    description: PostgreSQL's major version, V(13) to V(18).
    type: int
    required: true
"""

EXAMPLES = r"""
- name: Let the role execute the functions
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
  description: What the role needs.
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
