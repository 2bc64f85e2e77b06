# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: recovery
short_description: Validate the arguments of a recovery, and return the recovery as one value
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reads the arguments of the playbook C(pgdr.barman.recover), which C(recover.meta.yml) declares, from the variables of the host. It reports all problems
    in one run, before anything is changed.
  - The server, the backup server, the host and the directory are read for the host of this task. All other arguments, and the variables of the PostgreSQL
    server, are read for the host to recover to.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  topology:
    description: The topology, as RV(pgdr.barman.topology#module:topology) has it.
    type: dict
    required: true
  requirements:
    description: What each host must have, as RV(pgdr.barman.topology#module:requirements) has it.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Validate the arguments
  pgdr.barman.recovery:
    topology: "{{ barman_topology.topology }}"
    requirements: "{{ barman_topology.requirements }}"
  run_once: true
  register: barman_recovery
"""

RETURN = r"""
run:
  description: The id of the recovery, in its locks, its record and its lines of SSH trust.
  returned: success
  type: str
  sample: 20261120T083000Z-f3a9c1
groups:
  description:
    - The hosts that take part, each with C(host), and C(names), the inventory groups to add it to.
    - The names end with the id of the recovery. Groups with C(ssh) have the source and the host, those with C(target) the host, those with
      C(backup_server) the backup server.
  returned: success
  type: list
  elements: dict
  sample:
    - host: backup-eu
      names: [barman_recovery_ssh_20261120T083000Z_f3a9c1]
server:
  description: The inventory name of the server to recover.
  returned: success
  type: str
  sample: pg-eu
name:
  description: Barman's name of the server whose backups these are.
  returned: success
  type: str
  sample: pg-eu
standby:
  description: The inventory name of the standby whose backups these are; empty if they are of the server itself.
  returned: success
  type: str
  sample: ""
standby_streams:
  description: Whether Barman receives the WAL of that standby's primary by streaming.
  returned: success
  type: bool
  sample: false
new_backups:
  description: Barman's names of the servers that the playbook backs up after the recovery.
  returned: success
  type: list
  elements: str
  sample: [pg-eu]
source:
  description: The inventory name of the backup server that has the backup.
  returned: success
  type: str
  sample: backup-eu
source_user:
  description: Barman's user there.
  returned: success
  type: str
  sample: barman
backup_server:
  description: The inventory name of the backup server that backs up the server, and protects it again.
  returned: success
  type: str
  sample: backup-eu
backup_server_user:
  description: Barman's user there.
  returned: success
  type: str
  sample: barman
target:
  description: The inventory name of the host to recover to.
  returned: success
  type: str
  sample: pg-eu
in_place:
  description: Whether the host is the server's own, which is protected again afterwards.
  returned: success
  type: bool
  sample: true
directory:
  description: The directory of the backup server to recover to; empty for a recovery to a host.
  returned: success
  type: str
  sample: ""
version:
  description: PostgreSQL's major version.
  returned: success
  type: int
  sample: 17
port:
  description: PostgreSQL's port.
  returned: success
  type: int
  sample: 5432
user:
  description: The operating system's user whose the recovered data is.
  returned: success
  type: str
  sample: postgres
database_user:
  description: The superuser of the recovered server.
  returned: success
  type: str
  sample: postgres
socket_directory:
  description: The directory of its socket; empty for the default.
  returned: success
  type: str
  sample: ""
aside_suffix:
  description: What the names of directories that are moved aside end with.
  returned: success
  type: str
  sample: 20261120T083000Z
ssh:
  description: The SSH trust from the source to the host, as M(pgdr.barman.topology) returns SSH trust.
  returned: success
  type: dict
temporary_ssh_connections:
  description: The same as a list; empty if the architecture needs this trust anyway.
  returned: success
  type: list
  elements: dict
lasting_ssh_connections:
  description: The SSH trust of the source and of the host that the architecture needs anyway, by host; empty lists if it stays as it is.
  returned: success
  type: dict
ssh_lifetime:
  description: Seconds after which the temporary SSH trust expires.
  returned: success
  type: int
  sample: 90000
locks:
  description: What to lock on backup servers, each with C(host) and C(resources).
  returned: success
  type: list
  elements: dict
  sample: [{host: backup-eu, resources: [server pg-eu]}]
locked_hosts:
  description: The hosts that can have a lock of this recovery.
  returned: success
  type: list
  elements: str
  sample: [backup-eu, pg-eu]
cluster:
  description: The arguments of M(pgdr.barman.cluster_info) for the server on the host.
  returned: success
  type: dict
entry_options:
  description: The declared options of Barman's entry of the server.
  returned: success
  type: dict
recover:
  description: The arguments of M(pgdr.barman.recover) that are known before the data directory is.
  returned: success
  type: dict
  sample: {barman_user: barman, server: pg-eu, backup_id: auto, target_timeline: latest}
synchronous:
  description: Whether commits wait for Barman afterwards.
  returned: success
  type: bool
  sample: false
archives:
  description: Whether PostgreSQL archives its WAL afterwards.
  returned: success
  type: bool
  sample: false
arguments:
  description: The values of all arguments of the playbook that are given or have a default, by name.
  returned: success
  type: dict
  sample: {barman_recover_server: pg-eu, barman_recover_timeout: 86400}
"""
