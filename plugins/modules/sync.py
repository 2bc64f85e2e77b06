#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: sync
short_description: Copy to passive servers what the backup server has that they relay
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - A passive server in Barman is a copy of a server's backups and WAL that another backup server keeps, its source. Barman's cron copies once a
    minute. This module says how far the copy is behind, has it copied now, and waits until everything is here that the source had when it
    was first asked.
  - Where that does not work, it says why - no SSH, another host key, no Barman and no such server there, another compression, an
    older Barman than there.
  - All servers are handled, also where one of them fails. All failures are reported together, and RV(servers) has each one's result.
  - A source has what it archived. The WAL segment that PostgreSQL is just writing is sent to no passive server, so the copy always ends with the
    last complete segment. RV(servers.recoverable) is how far a recovery from the copy would come.
options:
  servers:
    description:
      - Barman's names for the servers.
      - Where it is not given, all that are passive on this host are meant.
    type: list
    elements: str
  timeout:
    description:
      - How many seconds to wait for each server to have what its source has.
    type: int
    default: 3600
  max_lag:
    description:
      - A copy with a backup is left to Barman's cron where nothing that it lacks has waited for longer than so many seconds.
      - With V(0) everything that is missing is copied.
    type: int
    default: 0
  up_to:
    description:
      - A WAL position, such as V(0/6B37D0A8), or the name of a WAL segment that has to come here, too.
      - The source archives WAL once a minute, so this can take a little longer than that. The segment has to be complete.
    type: str
  recoverable:
    description:
      - Whether to read in the WAL how far a recovery from the copy would come, which takes a second for each server.
    type: bool
    default: true
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - The source is asked in check mode, too. What is behind is told, and nothing is copied.
      - A backup that is older than all that are here, those aside that are kept, is taken for one that the retention policy here does not want any more.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - Something is copied as soon as the source has something new.
notes:
  - Barman copies backups only when they are complete, with all of their WAL, and WAL only together with a backup. Until the source has its first
    backup there is nothing to relay, which is a warning and no failure.
seealso:
  - module: pgdr.barman.check
  - module: pgdr.barman.recover
"""

EXAMPLES = r"""
- name: Copy everything that this host relays, and wait for it
  pgdr.barman.sync:
  become: true

- name: Only tell how far the copies are behind
  pgdr.barman.sync:
  become: true
  check_mode: true
  register: distance

- name: Wait until the copy has the WAL up to a position
  pgdr.barman.sync:
    servers: [pg-eu]
    up_to: 0/6B37D0A8
    timeout: 300
  become: true
"""

RETURN = r"""
servers:
  description: The result of each server, by Barman's name for it.
  returned: always
  type: dict
  sample:
    pg-eu:
      changed: true
      empty: false
      source: barman@198.51.100.11
      source_version: 3.13.3
      source_last_wal: "000000010000000000000009"
      last_wal: "000000010000000000000009"
      last_wal_time: "2026-11-20T08:31:12+00:00"
      before: {backups: [20261120T070150], segments: 3, bytes: 50331648, seconds: 540, overdue: 512}
      after: {backups: [], segments: 0, bytes: 0, seconds: 0, overdue: 0}
      backups: [20261120T070150]
      backups_copied: [20261120T070150]
      backups_skipped: {}
      recoverable: {backup_id: 20261120T070150, lsn: 0/9FFFFA0, time: "2026-11-20T08:31:11.871200+00:00", xid: 811, segment: "000000010000000000000009"}
      error: null
      error_kind: null
  contains:
    changed:
      description: Whether something was copied, or would be in check mode.
      type: bool
    empty:
      description: Whether neither side has a backup yet.
      type: bool
    source:
      description: The user and address of the other backup server.
      type: str
    source_version:
      description: Barman's version there.
      type: str
    source_last_wal:
      description: The newest WAL file that the source has archived.
      type: str
    last_wal:
      description: The newest WAL segment that is here.
      type: str
    last_wal_time:
      description: When the source had received it.
      type: str
    before:
      description: The distance as it was found; null where the source did not tell.
      type: dict
      contains:
        backups:
          description: The backups that are missing here.
          type: list
          elements: str
        segments:
          description: How many WAL segments are missing here.
          type: int
        bytes:
          description: How much WAL that is, as PostgreSQL wrote it.
          type: int
        seconds:
          description: How long after the newest segment here the newest one was written that the source has; null where there is none here.
          type: int
        overdue:
          description: How long the oldest of what is missing has been on the source.
          type: int
    after:
      description: The distance in the end, as RV(servers.before).
      type: dict
    backups:
      description: The good backups that are here.
      type: list
      elements: str
    backups_copied:
      description: Those that came in this run.
      type: list
      elements: str
    backups_skipped:
      description: Those that Barman does not copy because its retention policy here would delete them, each with Barman's words.
      type: dict
    recoverable:
      description:
        - The last point that a recovery from this copy comes to - C(backup_id), C(lsn), and the last commit's C(time), C(xid) and C(segment).
        - Null where there is none, or with O(recoverable=false).
      type: dict
    error:
      description: Why it failed.
      type: str
    error_kind:
      description:
        - The reason in one word - V(unreachable), V(denied), V(host_key), V(no_barman), V(no_server), V(source), V(version), V(compression), V(copy),
          V(timeout), V(configuration), V(answer) or V(other).
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._sync.synchronisation import (
    Outcome,
    Request,
    parse_up_to,
    passive_servers,
    synchronise,
)


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "servers": {"type": "list", "elements": "str"},
        "timeout": {"type": "int", "default": 3600},
        "max_lag": {"type": "int", "default": 0},
        "up_to": {"type": "str"},
        "recoverable": {"type": "bool", "default": True},
    }


def answer(outcome: Outcome) -> dict[str, Any]:
    return {
        **outcome.values,
        "changed": outcome.changed,
        "empty": outcome.empty,
        "error": outcome.error,
        "error_kind": outcome.kind,
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    params = module.params
    try:
        up_to = None if params["up_to"] is None else parse_up_to(params["up_to"])
        barman = barman_from(params)
        configuration = read(params["config_file"], params["barman_user"])
        wanted = params["servers"] if params["servers"] is not None else passive_servers(configuration)
        servers = [configuration.server(name) for name in wanted]
        request = Request(params["timeout"], params["max_lag"], up_to, params["recoverable"])
        outcomes = synchronise(barman, configuration, servers, request, module.check_mode)
    except HostError as exc:
        module.fail_json(msg=str(exc), servers={})
    for outcome in outcomes.values():
        for line in outcome.warnings:
            module.warn(line)
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes.values()),
        "servers": {name: answer(outcome) for name, outcome in outcomes.items()},
    }
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    if errors:
        module.fail_json(msg="\n".join(errors), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
