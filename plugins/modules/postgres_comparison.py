# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: postgres_comparison
short_description: Compare a PostgreSQL server with what is declared
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares what a PostgreSQL server reports with what the inventory declares, and returns what has to change.
  - Fails if the server is not the declared one, or if somebody else's archiving or roles would be replaced.
  - Fails if Patroni runs a member of a cluster whose C(barman_cluster_manager) is not V(patroni).
  - Register its result as C(barman_postgres). M(pgdr.barman.handover) and M(pgdr.barman.undeclared) read it there.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  requirements:
    description: What the server must have, as C(postgres) of the host in RV(pgdr.barman.topology#module:requirements).
    type: dict
    required: true
  state:
    description: What the server reports, as the query of role P(pgdr.barman.pg#role) returns it.
    type: dict
    required: true
  backup_addresses:
    description: The addresses of all backup servers of the inventory. Rules of this collection for other addresses stay in C(pg_hba.conf).
    type: list
    elements: str
    default: []
  superuser:
    description: The database role that Ansible logs in as.
    type: str
    default: postgres
  archive_overwrite:
    description: Whether an C(archive_command) or C(archive_library) that this collection did not set may be replaced.
    type: bool
    default: false
  roles_overwrite:
    description: Whether existing database roles may lose attributes.
    type: bool
    default: false
  rules_exclusive:
    description: Whether rules that are not declared any more are removed.
    type: bool
    default: true
  restarted:
    description: The systemd unit that was just restarted. The module fails if a setting did not take effect.
    type: str
  pending_restart:
    description: What M(pgdr.barman.cluster_info) returned as RV(pgdr.barman.cluster_info#module:pending_restart) after the restart.
    type: list
    elements: dict
    default: []
"""

EXAMPLES = r"""
- name: Fail if the server is not the declared one
  pgdr.barman.postgres_comparison:
    requirements: "{{ architecture.requirements[inventory_hostname].postgres }}"
    state: "{{ queried.query_result[0] }}"
    backup_addresses: [198.51.100.11/32]
  register: barman_postgres
"""

RETURN = r"""
messages:
  description: Warnings for people. They name conditions under which a recovery to this host would fail, and changes to existing database roles.
  returned: success
  type: list
  elements: str
  sample: []
differs:
  description: Whether there are messages to show, settings to write or to load, or synchronous commit to disable.
  returned: success
  type: bool
  sample: false
too_low:
  description: The settings to write.
  returned: success
  type: list
  elements: dict
  sample: [{name: max_wal_senders, desired: "4", running: "2"}]
restart:
  description: The settings that wait for a restart.
  returned: success
  type: list
  elements: dict
  sample: []
not_loaded:
  description: What is written, and was not loaded.
  returned: success
  type: list
  elements: str
  sample: [pg_hba.conf]
hba_lines:
  description: The rules to write to C(pg_hba.conf).
  returned: success
  type: list
  elements: str
  sample: ['host "postgres" "barman" 198.51.100.11/32 scram-sha-256']
rules_undeclared:
  description: Rules of this collection that stay, although they are not declared any more.
  returned: success
  type: list
  elements: str
  sample: []
unknown_rules:
  description: Rules of this collection for addresses that no backup server of the inventory has. They stay.
  returned: success
  type: list
  elements: str
  sample: []
foreign_archiving:
  description: An C(archive_command) or C(archive_library) that neither the inventory nor this collection set; an empty text if there is none.
  returned: success
  type: str
  sample: ""
archives_undeclared:
  description: Whether the server archives by this collection's C(archive_command), or keeps WAL for one that always fails, and the inventory does not
    declare archiving.
  returned: success
  type: bool
  sample: false
missing_roles:
  description: The names of the database roles that do not exist yet.
  returned: success
  type: list
  elements: str
  sample: [barman]
idle_slots:
  description: Inactive physical replication slots that the inventory does not declare.
  returned: success
  type: list
  elements: str
  sample: []
roles:
  description: The database roles to create. A standby has none.
  returned: success
  type: list
  elements: dict
  sample: [{name: barman, replication: false, password: barman_postgres_password}]
synchronous_undeclared:
  description: Whether commits wait for a receiver of Barman, and the inventory does not declare that.
  returned: success
  type: bool
  sample: false
"""
