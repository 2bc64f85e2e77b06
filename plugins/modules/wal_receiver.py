#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wal_receiver
short_description: Receive the WAL of PostgreSQL servers with Barman
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Makes sure that Barman receives the WAL of PostgreSQL servers. The replication slot is made where it is missing, C(barman receive-wal) is
    started where it does not run, and a WAL segment is seen to arrive in the archive.
  - Where that does not work, it says why - a password, C(pg_hba.conf), a slot that was lost or that somebody else uses, WAL that
    PostgreSQL has removed, another timeline, no WAL sender or slot left, a client that is too old.
  - All servers are handled, also where one of them fails. All failures are reported together, and V(servers) has each one's result.
options:
  servers:
    description:
      - Barman's names for the servers.
      - Where it is not given, all servers of this host are meant whose WAL is streamed to it.
    type: list
    elements: str
  state:
    description:
      - V(started) - the slot exists, the receiver runs and streams, and WAL is in the archive. A segment is closed for that (C(pg_switch_wal)),
        but only if the receiver had to be started, or if the archive has nothing of the timeline that is received. A receiver that began less than three
        seconds ago is waited for, since PostgreSQL streams also to one that ends as soon as it has to write.
      - V(stopped) - no receiver runs. Barman's cron starts it again within a minute as long as C(streaming_archiver) is on for the server.
      - V(absent) - the same, what was received is archived as far as it is complete, and the slot is dropped. A slot that nobody reads
        keeps WAL on the PostgreSQL server until its disk is full, so use this before a server's entry is removed with M(pgdr.barman.server).
    type: str
    choices: [started, stopped, absent]
    default: started
  archiving_takes_over:
    description:
      - With O(state=absent), for a server that C(archive_command) brings WAL of from now on. The receiver is ended, a segment is closed, and only when all that
        was received and not archived has come by C(archive_command), and what follows too, the receiver's directory is cleared and the slot dropped.
      - Where that does not come within O(timeout), the receiver is started again, the slot stays, and the module fails.
      - C(archiver) has to be on for the server, and its entry still has to have what streaming needs.
    type: bool
    default: false
  former_slots:
    description:
      - With O(state=started), by server, replication slots that its receiver had before (RV(pgdr.barman.server#module:former_slots)). They are dropped when the
        receiver runs with the slot of its entry.
    type: dict
    default: {}
  reset:
    description:
      - What to do where the receiver can't go on from where it stands.
      - After a recovery or a failover the server is on another timeline, and the partial segment of the branch that was left makes the receiver
        fail for ever. Or PostgreSQL has removed WAL that the receiver still needs.
      - V(never) - fail, and say so.
      - V(when_needed) - move what stands in the way aside, into a directory that is returned, and begin anew where as little as possible is
        missing. On a new timeline nothing is. Where something is missing, V(servers[].backup_needed) is true and a new base backup is needed.
    type: str
    choices: [never, when_needed]
    default: never
  synchronous:
    description:
      - The servers' commits wait for the receiver (M(pgdr.barman.synchronous_standby)). A receiver that does not confirm every commit at once is
        started anew, since Barman looks only then whether it has to run in synchronous mode; until it streams again, commits wait.
      - It fails where the server's settings do not make every commit wait, and where the receiver is not synchronous in time.
      - V(false) asks for nothing. Barman chooses a receiver's mode by itself.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds to wait for each thing that takes a while, on each server - the receiver to stream, a segment to be archived,
        a process to end.
    type: int
    default: 60
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
  - pgdr.barman._postgres
attributes:
  check_mode:
    support: full
    details:
      - PostgreSQL is asked in check mode too whether it can stream from where the receiver stands.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The receiver goes on running after the module, and Barman's cron starts it again where it ends.
  - Files that are set aside are never deleted by this module. A partial segment may hold the last transactions before a failure.
  - A standby closes no segments itself. There C(primary_conninfo) is used where Barman's configuration has it.
seealso:
  - module: pgdr.barman.server
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Receive the WAL of every server that streams to this host
  pgdr.barman.wal_receiver:
  become: true

- name: Go on after a recovery, and take a new backup where WAL is missing
  pgdr.barman.wal_receiver:
    servers: [pg-eu]
    reset: when_needed
  become: true
  register: receiver

- name: Stop the receiver of a server and drop its slot before the server is taken out
  pgdr.barman.wal_receiver:
    servers: [pg-old]
    state: absent
  become: true

- name: Give up streaming where WAL comes by archive_command
  pgdr.barman.wal_receiver:
    servers: [warehouse]
    state: absent
    archiving_takes_over: true
  become: true
"""

RETURN = r"""
servers:
  description: The result of each server, by Barman's name for it.
  returned: always
  type: dict
  sample:
    pg-eu:
      changed: false
      slot: barman
      restart_lsn: 0/7000000
      wal_status: reserved
      receiver_pid: 1234
      timeline: 1
      last_archived: 000000010000000000000006
      reset: null
      backup_needed: false
      gap: []
      error: null
      error_kind: null
  contains:
    changed:
      description: Whether something was changed, or would be in check mode.
      type: bool
    slot:
      description: The replication slot; V(null) where there is none.
      type: str
    restart_lsn:
      description: The oldest WAL position that the slot keeps.
      type: str
    wal_status:
      description: PostgreSQL's word for the WAL that the slot needs. V(lost) is the bad one.
      type: str
    receiver_pid:
      description: The receiver's process on this host.
      type: int
    timeline:
      description: The timeline that is received.
      type: int
    last_archived:
      description: The newest WAL segment in Barman's archive.
      type: str
    sync_state:
      description: With O(synchronous=true), PostgreSQL's word for the receiver, V(sync) or V(quorum).
      type: str
    reset:
      description:
        - The new start, where there was one. C(reason) is V(other_timeline), V(wal_removed) or V(ahead). C(start) is the segment that was
          begun with. C(set_aside) are the files that were moved to C(set_aside_directory).
      type: dict
    backup_needed:
      description: Whether WAL is missing since the last base backup, so that only a new one can be recovered up to now.
      type: bool
    gap:
      description: What is missing.
      type: list
      elements: str
    error:
      description: Why it failed.
      type: str
    error_kind:
      description:
        - The reason in one word, such as V(wrong_password), V(missing_password), V(no_hba_line), V(refused), V(timeout), V(slot_active),
          V(slots_exhausted), V(max_wal_senders), V(wal_removed), V(other_timeline), V(system_identifier), V(version), V(not_synchronous), V(ended) or V(other).
        - If only a message has the reason, and it is in another language than English, it is V(other) or V(ended), and C(error) has the message.
      type: str
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import read
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import connect, require_psycopg
from ansible_collections.pgdr.barman.plugins.module_utils._wal_receiver.wal_receiver import (
    Outcome,
    Receiver,
    streaming_servers,
)


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "servers": {"type": "list", "elements": "str"},
        "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
        "reset": {"type": "str", "choices": ["never", "when_needed"], "default": "never"},
        "synchronous": {"type": "bool", "default": False},
        "archiving_takes_over": {"type": "bool", "default": False},
        "former_slots": {"type": "dict", "default": {}},
        "timeout": {"type": "int", "default": 60},
    }


def answer(outcome: Outcome) -> dict[str, Any]:
    return {**outcome.values, "changed": outcome.changed, "error": outcome.error, "error_kind": outcome.kind}


def diff(outcomes: dict[str, Outcome]) -> dict[str, Any]:
    changed = {name: outcome for name, outcome in outcomes.items() if outcome.changed}
    return {
        "before": {name: outcome.before for name, outcome in changed.items()},
        "after": {name: outcome.after for name, outcome in changed.items()},
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), supports_check_mode=True)
    require_psycopg(module)
    params = module.params
    try:
        barman = barman_from(params)
        configuration = read(params["config_file"], params["barman_user"])
        wanted = params["servers"] if params["servers"] is not None else streaming_servers(configuration)
        servers = [configuration.server(name) for name in wanted]
    except HostError as exc:
        module.fail_json(msg=str(exc), servers={})
    outcomes = {
        server.name: Receiver(barman, configuration, server, connect, params["timeout"]).run(
            params["state"],
            params["reset"],
            module.check_mode,
            params["synchronous"],
            params["archiving_takes_over"],
            params["former_slots"].get(server.name, ()),
        )
        for server in servers
    }
    for name, outcome in outcomes.items():
        if outcome.values.get("backup_needed"):
            module.warn("WAL of server '%s' is missing since its last backup: take a new base backup" % name)
    result: dict[str, Any] = {
        "changed": any(outcome.changed for outcome in outcomes.values()),
        "servers": {name: answer(outcome) for name, outcome in outcomes.items()},
    }
    if module._diff:
        result["diff"] = diff(outcomes)
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    if errors:
        module.fail_json(msg="\n".join(errors), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
