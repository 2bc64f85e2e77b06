# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: topology
short_description: Validate the backup architecture in the inventory and compute each host's requirements
version_added: 1.0.0
description:
  - Reads the C(barman_) variables of all hosts in two groups of the inventory, the PostgreSQL servers and the backup servers. It computes which
    backup server backs up which PostgreSQL server and how, and what this requires of each host.
  - The module reports all mistakes in one run. Each message names the host, the variable, the problem and what to write instead.
  - Runs on the controller and connects to no host. It always reads all hosts of both groups, whatever C(--limit) contains. Run it once in a play,
    with C(run_once).
  - The module never returns a password. It returns the names of the host and the variable that contain the password.
  - The module ignores variables of a play or of a role. It reads variables of the inventory, of C(host_vars) and C(group_vars), facts and extra
    variables.
author:
  - pgdr.barman contributors (@pgdr)
options:
  pg_group:
    description: The inventory group of the PostgreSQL servers.
    type: str
    default: pg
  backup_group:
    description: The inventory group of the backup servers.
    type: str
    default: backup
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
notes:
  - The collection's C(docs/inventory.md) describes the variables of the inventory.
"""

EXAMPLES = r"""
- name: Read the architecture from the inventory
  pgdr.barman.topology:
    pg_group: "{{ barman_pg_group | default('pg', true) }}"
    backup_group: "{{ barman_backup_group | default('backup', true) }}"
  register: architecture
  run_once: true

- name: Show the requirements of this host
  ansible.builtin.debug:
    var: architecture.requirements[inventory_hostname]
"""

RETURN = r"""
topology:
  description: The architecture that the inventory declares, with all defaults.
  returned: success
  type: dict
  contains:
    postgres_servers:
      description: The PostgreSQL servers, by inventory name.
      returned: success
      type: dict
      sample:
        pg-eu:
          backup_server: backup-eu
          method: postgres
          name: pg-eu
          wal: [streaming]
    backup_servers:
      description: The backup servers, by inventory name.
      returned: success
      type: dict
      sample:
        backup-eu:
          addresses: [198.51.100.11/32]
          home: /var/lib/barman
          user: barman
    backed_up_hosts:
      description: The inventory names of the PostgreSQL servers that a backup server backs up.
      returned: success
      type: list
      elements: str
      sample: [pg-eu]
    backup_addresses:
      description: The addresses of all backup servers, as networks.
      returned: success
      type: list
      elements: str
      sample: [198.51.100.11/32]
    passive_copies:
      description: The passive copies. Each names the server, the source backup server and the target backup server.
      returned: success
      type: list
      elements: dict
      sample:
        - server: pg-eu
          source: backup-eu
          target: backup-us
          level: server
    recovery_ssh_connections:
      description: The SSH trust that a recovery needs while it runs, from each backup server that has the server's backups.
      returned: success
      type: list
      elements: dict
      sample:
        - from_host: backup-eu
          from_hosts: [backup-eu]
          from_user: barman
          from_addresses: [198.51.100.11/32]
          to_host: pg-eu
          to_hosts: [pg-eu]
          to_user: postgres
          to_address: 198.51.100.21
          to_port: 22
          purpose: recovery
          forced_command: null
hosts:
  description: The names of the hosts by their part. A host that is a PostgreSQL server and a backup server is in both lists.
  returned: success
  type: dict
  contains:
    pg:
      description: The PostgreSQL servers that Ansible manages.
      returned: success
      type: list
      elements: str
      sample: [pg-eu]
    backup:
      description: The backup servers.
      returned: success
      type: list
      elements: str
      sample: [backup-eu]
    all:
      description: Both, each host once.
      returned: success
      type: list
      elements: str
      sample: [pg-eu, backup-eu]
    ssh:
      description: The hosts of RV(hosts.all) with at least one SSH connection.
      returned: success
      type: list
      elements: str
      sample: [pg-eu, backup-eu]
    members:
      description: The hosts of RV(hosts.pg) that restart one after the other, because they replicate. Patroni restarts its members itself.
      returned: success
      type: list
      elements: str
      sample: []
    archiving:
      description: The hosts of RV(hosts.pg) whose C(archive_command) is declared.
      returned: success
      type: list
      elements: str
      sample: []
    synchronous:
      description: The hosts of RV(hosts.pg) whose commits are to wait for Barman's receivers.
      returned: success
      type: list
      elements: str
      sample: []
    manual:
      description: The PostgreSQL servers with C(barman_manage_postgres) V(false).
      returned: success
      type: list
      elements: str
      sample: []
advice:
  description: The findings about the architecture that the inventory alone decides. The playbook C(pgdr.barman.preflight) also measures.
  returned: success
  type: dict
  contains:
    findings:
      description:
        - Each finding with C(code), C(subject), C(severity), C(evidence), C(reason), C(cost) and C(remedy).
        - C(accepted) is V(null), or has C(reason) and C(until) of C(barman_accepted_findings).
      returned: success
      type: list
      elements: dict
      sample:
        - code: no_monitoring
          subject: backup-eu
          severity: warning
          evidence: barman_monitoring is empty
          reason: Without monitoring, a backup that fails at night is found when it is needed.
          cost: A line of cron each minute. Prometheus, Nagios or a receiver of messages must exist.
          remedy: "barman_monitoring: [prometheus], [nagios] or [notify]"
          accepted: null
    open:
      description: C(code) and C(subject) of the findings that are not accepted, as M(pgdr.barman.advice_record) records them.
      returned: success
      type: list
      elements: dict
      sample: [{code: no_monitoring, subject: backup-eu}]
    expired:
      description: The acceptances that have expired, with C(code), C(subject) and C(message). Their findings are open again.
      returned: success
      type: list
      elements: dict
      sample: []
    record_host:
      description: The backup server that has the record of the findings and forecasts. The first one by its inventory name; empty without a backup server.
      returned: success
      type: str
      sample: backup-eu
    failures:
      description: The open findings that C(barman_preflight_fail_on) names.
      returned: success
      type: list
      elements: str
      sample: []
requirements:
  description:
    - The requirements of each host, by inventory name.
    - A PostgreSQL server has the keys C(postgres) and C(ssh_connections). A backup server has C(barman) and C(ssh_connections).
    - If C(barman_manage_postgres) is V(false), C(postgres.manual) contains the lines that somebody else must apply on that server.
    - These lines do not include keys of other hosts, because the module connects to no host. The playbook C(pgdr.barman.deploy) sets them as the fact
      C(ssh_trust_lines) of that server.
  returned: success
  type: dict
  sample:
    pg-eu:
      postgres:
        server_name: pg-eu
        version: 17
        port: 5432
        database: postgres
        manage: true
        users: {management: barman, streaming: streaming_barman}
        hba_rules:
          - {type: host, databases: postgres, users: barman, source: 198.51.100.11/32, method: scram-sha-256}
          - {type: host, databases: replication, users: streaming_barman, source: 198.51.100.11/32, method: scram-sha-256}
        settings:
          wal_level: {minimum: replica}
          max_wal_senders: {minimum: 4}
          max_replication_slots: {minimum: 1}
        slots: [barman]
      ssh_connections: []
"""
