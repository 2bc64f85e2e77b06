#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: check
short_description: Check that servers are being backed up
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs C(barman check) for many servers at once and returns every check as data.
  - It can wait until all checks are good, and fails with the reasons where they do not become so.
  - It adds what Barman does not check. C(backup_present) fails without a good backup, of which Barman says nothing unless C(minimum_redundancy) is set.
    C(wal_continuity) fails where WAL is missing after the latest good backup, which Barman never notices. C(disk_space) fails where there is
    no room for one more WAL segment, C(interrupted_backups) where a backup was begun that nobody is taking any more, C(incremental_backups) where
    increments are left of a backup that is gone. C(copy_up_to_date) fails for a passive server whose source was not heard of for half an hour, or
    has WAL or a backup for so long that is not here; while a backup is being copied, no backup counts as late. C(hook_scripts) fails where a hook
    script of the inventory failed, or did not run for the latest backup.
    C(foreign_timelines) fails if the archive has a timeline on which the server was never, as far as its backups and its own answer show. A restored copy
    that was promoted and archives to the same name makes one. The server is asked only if no backup is on the newest timeline.
    C(active) fails for an inactive server, for which C(barman check) ends with success whatever it found.
  - While PostgreSQL answers, the module records once a day what the server requires of its host, for M(pgdr.barman.recover). That is one connection for each
    server, and it needs psycopg 3. In check mode nothing is recorded.
  - Where Barman can't connect to PostgreSQL it does not say why. If psycopg 3 is installed on the host, the reason is found out by connecting again.
options:
  servers:
    description:
      - Barman's names of the servers to check.
      - Where it is not given, all servers of the host are checked.
    type: list
    elements: str
  timeout:
    description:
      - For how many seconds to wait for all checks to be good. Only servers with failed checks are looked at again.
      - A server is not waited for if none of its failed checks can succeed by waiting (C(healable) in RV(servers)), such as a gap in the WAL, or a backup
        that is
        missing while none is being taken.
      - With V(0) they are looked at once.
    type: int
    default: 0
  unreachable_timeout:
    description:
      - For how many seconds of O(timeout) to wait for a server whose PostgreSQL can't be connected to, so that one that is down does not hold up the
        others.
      - Where it is not given, it is waited for like any other.
    type: int
  ignore:
    description:
      - Checks that may fail, by their names or keys. They are returned all the same.
      - Before the first backup these are V(backup present) and V(minimum redundancy requirements), and where C(last_backup_maximum_age),
        C(last_backup_minimum_size) or C(last_wal_maximum_age) are set, V(backup maximum age), V(backup minimum size) and V(wal maximum age).
    type: list
    elements: str
    default: []
  synchronous:
    description:
      - Barman's names of the servers whose commits have to wait for the WAL receiver of this host. Barman does not know which they are.
      - For these C(synchronous_wal_receiver) is checked as well. It fails where a commit can be acknowledged without the receiver, and where the
        receiver does not confirm commits at once, so that they hang. It needs psycopg 3, and is a connection more for each of them.
    type: list
    elements: str
    default: []
  declared:
    description:
      - Barman's names of all servers that the inventory declares on this host.
      - For every other active entry that M(pgdr.barman.server) made, C(declared_in_the_inventory) fails. Entries that it did not make are not looked at.
      - Where it is not given, this is not checked.
    type: list
    elements: str
  declared_hosts:
    description:
      - The inventory hosts that some backup server backs up. An entry that was made for one of them is handed over, and
        C(declared_in_the_inventory) does not fail for it.
    type: list
    elements: str
    default: []
  jobs:
    description:
      - In how many processes the servers are checked. Barman looks at one server after the other, and waits for one that does not answer.
      - V(0) means as many as there are servers, but at most four.
    type: int
    default: 0
  fail_on_error:
    description:
      - Whether the module fails where a check failed that is not in O(ignore).
      - With V(false) look at RV(ok) and RV(problems).
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
      - C(barman check) makes directories, archives WAL and can have PostgreSQL switch to a new WAL segment. So in check mode it is not run.
      - What can be read without a change is returned then (RV(barman_checked=false)), and the module does not fail.
  diff_mode:
    support: N/A
    details:
      - There is nothing to compare.
  idempotent:
    support: full
notes:
  - Can take up to C(check_timeout) (30 seconds by default) for each server that does not answer, and works under C(async).
seealso:
  - module: pgdr.barman.backup_info
  - module: pgdr.barman.wal_receiver
"""

EXAMPLES = r"""
- name: Every server of this backup host is being backed up
  pgdr.barman.check:
  become: true

- name: A new server is ready for its first backup within three minutes
  pgdr.barman.check:
    servers: [pg-eu]
    timeout: 180
    ignore:
      - backup present
      - minimum redundancy requirements
  become: true

- name: Commits of this server wait for Barman
  pgdr.barman.check:
    servers: [ledger]
    synchronous: [ledger]
  become: true

- name: No entry of ours that the inventory does not know
  pgdr.barman.check:
    declared: [pg-eu, pg-us]
  become: true

- name: Look at what is wrong and go on
  pgdr.barman.check:
    fail_on_error: false
  become: true
  register: barman_state

- name: Tell it
  ansible.builtin.debug:
    msg: "{{ barman_state.problems }}"
"""

RETURN = r"""
ok:
  description: Whether all checks were good, those in O(ignore) aside.
  returned: always
  type: bool
  sample: false
problems:
  description: Each failed check in a sentence, those in O(ignore) aside.
  returned: always
  type: list
  elements: str
  sample: ["server 'pg-eu': replication slot: slot 'barman' not initialised: is 'receive-wal' running?"]
barman_checked:
  description: Whether C(barman check) was run. In check mode it is not.
  returned: always
  type: bool
  sample: true
servers:
  description: The checks of each server, by Barman's name of the server.
  returned: always
  type: dict
  contains:
    ok:
      description: Whether all its checks were good, those in O(ignore) aside.
      type: bool
      sample: false
    problems:
      description: What is in RV(problems) of this server.
      type: list
      elements: str
      sample: []
    active:
      description: Whether the server is active in Barman's configuration.
      type: bool
      sample: true
    checks:
      description:
        - Each check by its key, which is the name in lower case with underscores, as Barman has it in JSON.
      type: dict
      contains:
        name:
          description: The check's name as Barman prints it.
          type: str
          sample: replication slot
        ok:
          description: Whether it was good.
          type: bool
          sample: true
        hint:
          description: What is known about it. Often empty.
          type: str
          sample: have 2 backups, expected at least 1
        ignored:
          description: Whether it is in O(ignore).
          type: bool
          sample: false
        source:
          description: Who made the check, V(barman) or V(pgdr.barman).
          type: str
          sample: barman
        healable:
          description: Whether the check, if it failed, can succeed without anybody doing anything. A gap in the WAL can not, for example.
          type: bool
          sample: true
    gaps:
      description: The WAL segments that are missing between the oldest good backup and the last archived segment.
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
          description: How many there are.
          type: int
          sample: 5
        after_latest_backup:
          description: Whether they are missing after the latest good backup. If not, only points before it can't be recovered.
          type: bool
          sample: true
  sample: {}
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._check.checks import check_servers, key_of
from ansible_collections.pgdr.barman.plugins.module_utils._check.undeclared import (
    Declared,
    find_undeclared,
    with_undeclared,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import connect, psycopg_is_there


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "servers": {"type": "list", "elements": "str"},
        "timeout": {"type": "int", "default": 0},
        "unreachable_timeout": {"type": "int"},
        "ignore": {"type": "list", "elements": "str", "default": []},
        "synchronous": {"type": "list", "elements": "str", "default": []},
        "declared": {"type": "list", "elements": "str"},
        "declared_hosts": {"type": "list", "elements": "str", "default": []},
        "jobs": {"type": "int", "default": 0},
        "fail_on_error": {"type": "bool", "default": True},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    params = module.params
    try:
        answer = check_servers(
            barman_from(params),
            params["servers"],
            params["ignore"],
            params["timeout"],
            params["jobs"],
            module.check_mode,
            connect if psycopg_is_there() else None,
            params["unreachable_timeout"],
            params["synchronous"],
        )
        if params["declared"] is not None:
            undeclared = find_undeclared(barman_from(params), Declared(params["declared"], params["declared_hosts"]))
            answer = with_undeclared(answer, undeclared, {key_of(name) for name in params["ignore"]})
    except HostError as exc:
        module.fail_json(msg=str(exc))
    if not answer["barman_checked"]:
        module.warn("'barman check' changes things, so it was not run in check mode; only files were looked at")
    elif not answer["ok"] and params["fail_on_error"]:
        module.fail_json(msg="; ".join(answer["problems"]), **answer)
    module.exit_json(changed=False, **answer)


if __name__ == "__main__":
    main()
