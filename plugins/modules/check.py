#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check
short_description: Check that Barman backs up PostgreSQL servers
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs C(barman check) for many servers in one run and returns every check as data.
  - The module can wait until all checks succeed. If some do not, it fails with the reasons.
  - The module adds the following checks that Barman does not have.
  - C(backup_present) fails if the server has no valid backup. Barman reports this only if C(minimum_redundancy) is set.
  - C(wal_continuity) fails if WAL is missing after the latest valid backup. Barman never reports this.
  - C(disk_space) fails if the disk has no space for one more WAL segment.
  - C(interrupted_backups) fails if a backup was started and no process takes it any more.
  - C(incremental_backups) fails if increments of a deleted backup remain.
  - C(copy_up_to_date) fails for a passive server if the last contact with its source is more than half an hour ago. It also fails if WAL or a backup
    of the source is missing here for that long. While a backup is being copied, no backup counts as late.
  - C(hook_scripts) fails if a hook script of the inventory failed, or did not run for the latest backup.
  - C(foreign_timelines) fails if the archive contains a timeline that the server was never on, according to its backups and its own answer. A
    restored copy that was promoted and archives under the same name causes this. The module connects to the server only if no backup is on the newest
    timeline.
  - C(active) fails for an inactive server. For such a server, C(barman check) reports success whatever it finds.
  - While PostgreSQL answers, the module records once a day what the server requires of its host, for M(pgdr.barman.recover). This takes one
    connection for each server, and it needs psycopg 3. In check mode the module records nothing.
  - If Barman can't connect to PostgreSQL, it reports no reason. If psycopg 3 is installed on the host, the module connects again and reports the
    reason.
options:
  servers:
    description:
      - Barman's names of the servers to check.
      - If it is not set, the module checks all servers of the host.
    type: list
    elements: str
  timeout:
    description:
      - The number of seconds to wait until all checks succeed. The module repeats the checks only for servers with failed checks.
      - The module does not wait for a server if waiting can't repair any of its failed checks (C(healable) in RV(servers)). Examples are a gap in the
        WAL, or a missing backup while none is running.
      - With V(0), the module checks each server once.
    type: int
    default: 0
  unreachable_timeout:
    description:
      - The number of seconds of O(timeout) to wait for a server if its PostgreSQL refuses connections or does not answer. A server that is down then
        does not delay the others.
      - If it is not set, O(timeout) applies.
    type: int
  ignore:
    description:
      - The names or keys of checks that may fail. The module returns their results, but they cause no failure.
      - Before the first backup, set V(backup present) and V(minimum redundancy requirements). If C(last_backup_maximum_age),
        C(last_backup_minimum_size) or C(last_wal_maximum_age) are set, add V(backup maximum age), V(backup minimum size) and V(wal maximum age).
    type: list
    elements: str
    default: []
  synchronous:
    description:
      - Barman's names of the servers whose commits must wait for the WAL receiver of this host. Barman's configuration does not contain this.
      - For these servers the module also checks C(synchronous_wal_receiver). This check fails if PostgreSQL can acknowledge a commit without the
        receiver. It also fails if the receiver does not confirm commits immediately, so that they hang. It needs psycopg 3, and one more connection
        for each server.
    type: list
    elements: str
    default: []
  drill_maximum_age:
    description:
      - How old the last proven restore of a server may be, in seconds, by Barman's name of the server.
      - For these servers the module also checks C(restore_drill). This check fails if no drill passed, if the last one that passed is older, or if the
        newest drill failed. M(pgdr.barman.drill) records drills.
      - C(restore_drill) also fails for every server with a restored cluster that a killed drill left on a drill host.
    type: dict
    default: {}
  verification_maximum_age:
    description:
      - How long a backup or a WAL segment of a server may not be read, in seconds, by Barman's name of the server.
      - For these servers, and for all that were verified before, the module also checks C(stored_files). This check fails if the last verification
        found a damaged file, or if a backup or a segment was not read for longer than that. M(pgdr.barman.verify_backups) reads them.
    type: dict
    default: {}
  declared:
    description:
      - Barman's names of all servers that the inventory declares on this host.
      - For every other active entry that M(pgdr.barman.server) created, C(declared_in_the_inventory) fails. The module ignores entries of other
        owners.
      - For an inactive replication slot of a former backup server, whose name begins with C(barman), C(unused_replication_slots) fails.
      - If it is not set, the module skips these checks.
    type: list
    elements: str
  declared_hosts:
    description:
      - The inventory names of all hosts that some backup server backs up. If an entry was created for one of them, its handover is in progress, and
        C(declared_in_the_inventory) does not fail for it.
    type: list
    elements: str
    default: []
  jobs:
    description:
      - The number of parallel processes that check the servers. Barman checks one server after the other, and waits for a server that does not
        answer.
      - V(0) means one process for each server, but at most four.
    type: int
    default: 0
  fail_on_error:
    description:
      - Whether the module fails if a check fails that O(ignore) does not contain.
      - With V(false), read the result in RV(ok) and RV(problems).
    type: bool
    default: true
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: partial
    details:
      - The command C(barman check) creates directories, archives WAL and can switch PostgreSQL to a new WAL segment. In check mode the module does
        not run it.
      - The module returns what it can read without a change (RV(barman_checked=false)), and does not fail.
  diff_mode:
    support: N/A
    details:
      - There is nothing to compare.
  idempotent:
    support: full
notes:
  - For each server that does not answer, the module can take up to C(check_timeout), by default 30 seconds. It supports C(async).
seealso:
  - module: pgdr.barman.backup_info
  - module: pgdr.barman.wal_receiver
"""

EXAMPLES = r"""
- name: Check that every server of this backup server is backed up
  pgdr.barman.check:
  become: true

- name: Wait until a new server is ready for its first backup
  pgdr.barman.check:
    servers: [pg-eu]
    timeout: 180
    ignore:
      - backup present
      - minimum redundancy requirements
  become: true

- name: Check that commits of a server wait for Barman
  pgdr.barman.check:
    servers: [ledger]
    synchronous: [ledger]
  become: true

- name: Check that a restore was proven within the last 30 days
  pgdr.barman.check:
    servers: [pg-eu]
    drill_maximum_age:
      pg-eu: 2592000
  become: true

- name: Check that the inventory declares every entry
  pgdr.barman.check:
    declared: [pg-eu, pg-us]
  become: true

- name: Check all servers and continue after failed checks
  pgdr.barman.check:
    fail_on_error: false
  become: true
  register: barman_state

- name: Show the failed checks
  ansible.builtin.debug:
    msg: "{{ barman_state.problems }}"
"""

RETURN = r"""
ok:
  description: Whether all checks succeeded that O(ignore) does not contain.
  returned: always
  type: bool
  sample: false
problems:
  description: A sentence for each failed check that O(ignore) does not contain.
  returned: always
  type: list
  elements: str
  sample: ["server 'pg-eu': replication slot: slot 'barman' not initialised: is 'receive-wal' running?"]
barman_checked:
  description: Whether the module ran C(barman check). V(false) in check mode.
  returned: always
  type: bool
  sample: true
servers:
  description: The checks of each server, by Barman's name of the server.
  returned: always
  type: dict
  contains:
    ok:
      description: Whether all checks of the server succeeded that O(ignore) does not contain.
      type: bool
      sample: false
    problems:
      description: The items of RV(problems) that concern the server.
      type: list
      elements: str
      sample: []
    active:
      description: Whether the server is active in Barman's configuration.
      type: bool
      sample: true
    checks:
      description:
        - The checks by key. A key is the name in lower case with underscores, as in Barman's JSON.
      type: dict
      contains:
        name:
          description: The check's name as Barman prints it.
          type: str
          sample: replication slot
        ok:
          description: Whether the check succeeded.
          type: bool
          sample: true
        hint:
          description: Details of the result. Often empty.
          type: str
          sample: have 2 backups, expected at least 1
        ignored:
          description: Whether O(ignore) contains the check.
          type: bool
          sample: false
        source:
          description: The origin of the check, V(barman) or V(pgdr.barman).
          type: str
          sample: barman
        healable:
          description: Whether a failed check can succeed after some time without manual steps. For example, a gap in the WAL can't.
          type: bool
          sample: true
    gaps:
      description: The WAL segments that are missing between the oldest valid backup and the last archived segment.
      type: list
      elements: dict
      contains:
        first:
          description: The first missing segment.
          type: str
          sample: 00000001000000000000000C
        last:
          description: The last missing segment.
          type: str
          sample: "000000010000000000000010"
        count:
          description: The number of missing segments.
          type: int
          sample: 5
        after_latest_backup:
          description: Whether the segments are missing after the latest valid backup. If V(false), the gap affects only recovery targets before that backup.
          type: bool
          sample: true
  sample: {}
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._check.run import check
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str"},
    "timeout": {"type": "int", "default": 0},
    "unreachable_timeout": {"type": "int"},
    "ignore": {"type": "list", "elements": "str", "default": []},
    "synchronous": {"type": "list", "elements": "str", "default": []},
    "drill_maximum_age": {"type": "dict", "default": {}},
    "verification_maximum_age": {"type": "dict", "default": {}},
    "declared": {"type": "list", "elements": "str"},
    "declared_hosts": {"type": "list", "elements": "str", "default": []},
    "jobs": {"type": "int", "default": 0},
    "fail_on_error": {"type": "bool", "default": True},
}


def main() -> None:
    run_module(ARGUMENTS, check)


if __name__ == "__main__":
    main()
