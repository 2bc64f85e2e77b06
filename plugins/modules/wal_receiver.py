#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wal_receiver
short_description: Manage Barman's WAL receivers and their replication slots
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Ensures that Barman receives the WAL of PostgreSQL servers. The module creates a missing replication slot, starts C(barman receive-wal) if it does
    not run, and verifies that a WAL segment arrives in the archive.
  - If that fails, the error names the cause. Examples are a password, C(pg_hba.conf), a slot that is lost or in use, or WAL that PostgreSQL has
    removed. Other examples are another timeline, no free WAL sender or slot, and a client that is too old.
  - If one server fails, the module continues with the others. It reports all failures together, and RV(servers) contains each result.
options:
  servers:
    description:
      - Barman's names of the servers.
      - If it is not set, the module manages all servers of this host with streaming.
    type: list
    elements: str
  state:
    description:
      - With V(started), the slot exists, the receiver runs and streams, and WAL is in the archive. To verify this, the module closes a segment
        (C(pg_switch_wal)). It does so only if it had to start the receiver, or if the archive contains nothing of the received timeline.
      - The module waits if the receiver started less than three seconds ago. PostgreSQL also streams to a receiver that fails at its first write.
      - With V(stopped), no receiver runs. While C(streaming_archiver) is on for the server, Barman's cron starts it again within a minute.
      - With V(absent), no receiver runs, complete received segments are archived, and the slot is dropped. A slot without a receiver keeps WAL on the
        PostgreSQL server until its disk is full. So use this before M(pgdr.barman.server) removes the server's entry.
      - With V(stopped) and V(absent), the module fails if C(synchronous_standby_names) names the receiver, because every commit would hang. It
        continues if another receiver with this name streams, and, with a warning, if PostgreSQL can't be queried.
    type: str
    choices: [started, stopped, absent]
    default: started
  archiving_takes_over:
    description:
      - With O(state=absent), whether C(archive_command) delivers the server's WAL from now on. The module stops the receiver and closes a segment. It
        waits until C(archive_command) has delivered everything that was received and not archived, and what follows.
      - Only then does the module empty the receiver's directory and drop the slot.
      - If the WAL does not arrive within O(timeout), the module starts the receiver again, keeps the slot, and fails.
      - C(archiver) must be on for the server, and its entry must still contain the options for streaming.
    type: bool
    default: false
  former_slots:
    description:
      - With O(state=started), by server, replication slots that its receiver used before (RV(pgdr.barman.server#module:former_slots)). The module
        drops them when the receiver runs with the slot of its entry.
    type: dict
    default: {}
  reset:
    description:
      - The action if the receiver can't continue from its position.
      - After a recovery or a failover the server is on another timeline. The partial segment of the previous branch then makes the receiver fail at
        every start.
      - PostgreSQL can also have removed WAL that the receiver still needs.
      - V(never) - The module fails and reports the problem.
      - V(when_needed) - The module moves the blocking files aside, into a directory that it returns. The receiver then starts where as little WAL as
        possible is missing. On a new timeline none is missing. If WAL is missing, RV(servers.backup_needed) is true and a new base backup is needed.
    type: str
    choices: [never, when_needed]
    default: never
  synchronous:
    description:
      - Whether the servers' commits wait for the receiver (M(pgdr.barman.synchronous_standby)). The module restarts a receiver that does not confirm
        every commit immediately, since Barman selects synchronous mode only at the start. Until the receiver streams again, commits wait.
      - The module fails if the server's settings do not make every commit wait, or if the receiver is not synchronous in time.
      - With V(false), the module checks nothing of this. Barman selects a receiver's mode itself.
    type: bool
    default: false
  timeout:
    description:
      - The number of seconds to wait for each slow step on each server. Examples are the start of streaming, the archiving of a segment, and the end
        of a process.
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
      - In check mode the module also queries PostgreSQL whether it can stream from the receiver's position.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - The receiver continues to run after the module. If it ends, Barman's cron starts it again.
  - The module never deletes files that it moved aside. A partial segment may contain the last transactions before a failure.
  - A standby closes no segments itself. For a standby, the module uses C(primary_conninfo) if Barman's configuration contains it.
seealso:
  - module: pgdr.barman.server
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Receive the WAL of every server that streams to this host
  pgdr.barman.wal_receiver:
  become: true

- name: Receive WAL again after a recovery
  pgdr.barman.wal_receiver:
    servers: [pg-eu]
    reset: when_needed
  become: true
  register: receiver

- name: Stop the receiver of a server and drop its slot before the server's removal
  pgdr.barman.wal_receiver:
    servers: [pg-old]
    state: absent
  become: true

- name: Remove streaming after a change to archive_command
  pgdr.barman.wal_receiver:
    servers: [warehouse]
    state: absent
    archiving_takes_over: true
  become: true
"""

RETURN = r"""
servers:
  description: The result of each server, by Barman's name of the server.
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
      description: Whether the module changed something, or would in check mode.
      type: bool
    slot:
      description: The name of the replication slot. V(null) if there is none.
      type: str
    restart_lsn:
      description: The oldest LSN that the slot keeps.
      type: str
    wal_status:
      description: PostgreSQL's status of the WAL that the slot needs. V(lost) means that PostgreSQL has removed WAL that the slot needs.
      type: str
    receiver_pid:
      description: The process id of the receiver on this host.
      type: int
    timeline:
      description: The timeline of the received WAL.
      type: int
    last_archived:
      description: The newest WAL segment in Barman's archive.
      type: str
    sync_state:
      description: With O(synchronous=true), PostgreSQL's C(sync_state) of the receiver, V(sync) or V(quorum).
      type: str
    reset:
      description:
        - The new start of the receiver. V(null) if there was none. C(reason) is V(other_timeline), V(wal_removed) or V(ahead).
        - C(start) is the first segment after the new start. C(set_aside) contains the files that the module moved to C(set_aside_directory).
      type: dict
    backup_needed:
      description: Whether WAL is missing since the last base backup, so that only a new base backup can be recovered to the latest WAL.
      type: bool
    commits_wait:
      description: With O(state=stopped) or O(state=absent), the value of C(synchronous_standby_names) if commits would hang without the receiver.
      type: str
    gap:
      description: The missing WAL, one text for each gap. Empty if none is missing.
      type: list
      elements: str
    error:
      description: Why the module failed for this server. V(null) on success.
      type: str
    error_kind:
      description:
        - The cause of the failure in one word, such as V(wrong_password), V(missing_password), V(no_hba_line), V(refused), V(timeout),
          V(slot_active), V(slots_exhausted), V(max_wal_senders), V(wal_removed), V(other_timeline), V(system_identifier), V(version),
          V(not_synchronous), V(commits_wait), V(ended) or V(other).
        - If only a message contains the reason, and the message is not in English, it is V(other) or V(ended), and C(error) contains the message.
      type: str
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._wal_receiver.run import set_receivers

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "servers": {"type": "list", "elements": "str"},
    "state": {"type": "str", "choices": ["started", "stopped", "absent"], "default": "started"},
    "reset": {"type": "str", "choices": ["never", "when_needed"], "default": "never"},
    "synchronous": {"type": "bool", "default": False},
    "archiving_takes_over": {"type": "bool", "default": False},
    "former_slots": {"type": "dict", "default": {}},
    "timeout": {"type": "int", "default": 60},
}


def main() -> None:
    run_module(ARGUMENTS, set_receivers, on_error={"servers": {}})


if __name__ == "__main__":
    main()
