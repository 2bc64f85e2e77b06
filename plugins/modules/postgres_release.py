# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_release
short_description: Remove from a PostgreSQL server what deployments created for Barman
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host as root. It drops replication slots and database roles, restores settings, and removes rules from C(pg_hba.conf).
  - Run it after M(pgdr.barman.synchronous_standby), M(pgdr.barman.archive_command) and M(pgdr.barman.wal_receiver) with O(ignore:state=absent), which
    stop what needs these.
  - It restores the settings that the record of the host has (M(pgdr.barman.host_record)). A setting that somebody changed since stays, and so does one
    that others need. For example, C(max_wal_senders) stays if another standby streams.
  - It drops the roles that a deployment created. A role that owns objects stays.
  - Nothing that stays is a failure. RV(left) has the reason and what to do.
  - With O(patroni=true), the slots, settings and rules are in Patroni's DCS. The module removes them there, and waits until Patroni has done the same on
    this member. It restarts nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._login
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
options:
  slots:
    description:
      - The replication slots to drop. An active one stays. In check mode the module expects that its receiver stops before the real run.
    type: list
    elements: str
    default: []
  roles:
    description:
      - The database roles that Barman logs in with and that nothing declares any more. On a standby, the module leaves them to its primary.
    type: list
    elements: str
    default: []
  rules:
    description:
      - The rules of C(pg_hba.conf) that are still declared. The module removes the other ones of this collection.
    type: list
    elements: str
    default: []
  settings:
    description:
      - The names of settings that are still declared, and that the module does not restore.
    type: list
    elements: str
    default: []
  member:
    description:
      - Whether the server is a member of a cluster. Then the module drops the roles on the primary alone. On a standby it waits until they are gone, at
        most 60 seconds.
    type: bool
    default: false
  recorded_roles:
    description:
      - With O(member=true), the roles in the records of the other members. The primary may have been another member when a deployment created them.
    type: list
    elements: str
    default: []
  patroni:
    description:
      - Whether Patroni manages the server.
    type: bool
    default: false
  patroni_file:
    description:
      - With O(patroni=true), Patroni's configuration file. If it is not set, the file of the Patroni process that runs on this host.
    type: path
seealso:
  - module: pgdr.barman.patroni_config
  - module: pgdr.barman.host_record
  - module: pgdr.barman.archive_command
  - module: pgdr.barman.synchronous_standby
"""

EXAMPLES = r"""
- name: Remove Barman from the PostgreSQL server
  pgdr.barman.postgres_release:
    slots: [barman]
    roles: [barman, streaming_barman]
  become: true
"""

RETURN = r"""
changes:
  description: What the module did, or would do in check mode.
  returned: always
  type: list
  elements: str
  sample: [drop the database role barman, "archive_mode: on back to the value of postgresql.conf"]
left:
  description: What stays, each with the reason and what to do.
  returned: always
  type: list
  elements: str
  sample: []
restart:
  description: The settings that wait for a restart of PostgreSQL. Under Patroni it is empty, and RV(left) has the command.
  returned: always
  type: list
  elements: str
  sample: [archive_mode]
recorded_roles:
  description: The database roles of this server in the record of the host, before the run.
  returned: success
  type: list
  elements: str
  sample: [barman, streaming_barman]
synchronous_standby_names:
  description: The setting before the run.
  returned: success
  type: str
  sample: FIRST 1 ("barman_receive_wal")
archive_command:
  description: The setting before the run, also if C(archive_mode) is off.
  returned: success
  type: str
  sample: barman-wal-archive --user barman 198.51.100.11 pg-eu %p # pgdr.barman
archive_mode:
  description: The setting that PostgreSQL runs with.
  returned: success
  type: str
  sample: "on"
error_kind:
  description: The kind of the failure, such as V(refused) if PostgreSQL does not run. V(null) if the module succeeded.
  returned: always
  type: str
  sample: null
"""

from typing import Any

from ..module_utils._decommission.postgres_run import release
from ..module_utils._module import run_module
from ..module_utils._postgres.login import login_argument_spec

_NAMES: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
ARGUMENTS: dict[str, Any] = {
    "slots": _NAMES,
    "roles": _NAMES,
    "rules": _NAMES,
    "settings": _NAMES,
    "member": {"type": "bool", "default": False},
    "recorded_roles": _NAMES,
    "patroni": {"type": "bool", "default": False},
    "patroni_file": {"type": "path"},
    **login_argument_spec(),
}


def main() -> None:
    run_module(ARGUMENTS, release)


if __name__ == "__main__":
    main()
