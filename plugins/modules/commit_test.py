#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: commit_test
short_description: Verify that a PostgreSQL server accepts writes
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host and commits a transaction that waits for standbys like those of the application. The server's own
    C(synchronous_commit) and C(synchronous_standby_names) apply. A server that answers every query can hang at every commit.
  - The transaction writes a message to the WAL (C(pg_logical_emit_message)), and no data.
  - If a commit does not return within O(timeout), the module cancels it and reports what the commit waited for. The module does not fail then.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._login
attributes:
  check_mode:
    support: full
    details:
      - In check mode the module commits nothing, and RV(takes_writes) is V(null).
  diff_mode:
    support: none
  idempotent:
    support: full
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
options:
  timeout:
    description:
      - The maximum number of seconds to wait for the commit.
    type: int
    default: 15
seealso:
  - module: pgdr.barman.synchronous_standby
  - module: pgdr.barman.verify_recovery
"""

EXAMPLES = r"""
- name: Verify that the server accepts a commit
  pgdr.barman.commit_test:
  become: true
  register: tried
  failed_when: not tried.takes_writes
"""

RETURN = r"""
takes_writes:
  description: Whether the commit returned in time. V(null) in check mode.
  returned: success
  type: bool
  sample: true
reason:
  description: Why the commit did not return, and what to do. Empty if it returned.
  returned: success
  type: str
  sample: ""
synchronous_standby_names:
  description: The server's C(synchronous_standby_names).
  returned: success
  type: str
  sample: FIRST 1 ("barman_receive_wal")
senders:
  description: The replication connections of the server, each with C(application), C(state) and C(sync_state).
  returned: success
  type: list
  elements: dict
  sample: [{application: barman_receive_wal, state: streaming, sync_state: sync}]
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._postgres.commit_test import run_commit_test
from ..module_utils._postgres.login import login_argument_spec

ARGUMENTS: dict[str, Any] = {"timeout": {"type": "int", "default": 15}, **login_argument_spec()}


def main() -> None:
    run_module(ARGUMENTS, run_commit_test)


if __name__ == "__main__":
    main()
