#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_backups
short_description: Verify stored backups and archived WAL where they lie
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares the files of each backup with its manifest, and reads each archived WAL segment. It restores nothing.
  - Each run reads the part that was not read for the longest, so that everything is read within O(days). A file in Barman's home has the time at which each
    backup and each segment was read.
  - C(pg_verifybackup) of the backup's major version compares a backup, if it is installed. If it finds a difference, the module names each file that is
    changed, missing or additional. Without it, and for backups in tar files, the module compares alone.
  - Of a WAL segment, the module reads the length, the header, the address and the timeline of each page, and the link and the checksum of each record. A
    compressed file is read to its end. The module also reads history files and partial segments, and compares the archive with Barman's C(xlog.db).
  - Appends a record to the ledger of the server. M(pgdr.barman.check) fails as long as a file of the newest record is damaged.
  - A damage stays in the records until somebody replaces the file, or deletes the backup. The module changes no stored file, except that Barman can write a
    manifest (O(generate_manifests)).
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - The module returns what it would read, and reads no content.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Every verification appends a record to the ledger.
requirements:
  - C(pg_verifybackup) of each server's major version for the speed of the disk. On Debian it belongs to the package of PostgreSQL's client.
options:
  servers:
    description:
      - Barman's names of the servers. By default, all servers in Barman's configuration.
    type: list
    elements: str
  days:
    description:
      - The number of days within which every backup and every WAL segment is read, if the module runs at least once a day.
    type: int
    default: 30
  server_days:
    description:
      - The number of days of single servers, by Barman's name. It replaces O(days).
    type: dict
    default: {}
  everything:
    description:
      - Whether to read every backup and every segment now.
    type: bool
    default: false
  bandwidth_limit:
    description:
      - The limit of the reading in kilobytes per second, on average. By default, there is no limit.
    type: int
  priority:
    description:
      - V(idle) - The processes have the lowest priority for the processor, and the I/O class idle, which has an effect with the I/O scheduler BFQ only.
      - V(normal) - The processes compete with others.
    type: str
    choices: [idle, normal]
    default: idle
  generate_manifests:
    description:
      - Whether Barman writes the manifest of an rsync backup that has none, with C(barman generate-manifest). Barman reads the whole backup for it.
      - Such a manifest describes the files as they are when it is written. It finds later damage only.
    type: bool
    default: true
  bin_directory:
    description:
      - The directory of C(pg_verifybackup) and C(pg_waldump). If it is not set, the module searches Barman's C(path_prefix), the usual directories of
        the major version, then E(PATH).
      - C(pg_waldump) is searched there, too, if it is not in this directory.
    type: path
  copies_of:
    description:
      - The names of WAL segments, or of files of backups as C(BACKUP_ID/NAME) with the name of the manifest. The module verifies nothing then, and returns
        RV(copies). It needs exactly one server in O(servers).
    type: list
    elements: str
    default: []
  wait:
    description:
      - The number of seconds to wait for the end of another verification on this backup server.
    type: int
    default: 0
  requested_by:
    description:
      - The name of the person or the job, for the ledger. By default, the user that runs the module, or that called C(sudo).
    type: str
seealso:
  - module: pgdr.barman.check
  - module: pgdr.barman.drill
"""

EXAMPLES = r"""
- name: Verify the part of every server that is due
  pgdr.barman.verify_backups:
    days: 14
    bandwidth_limit: 50000
  become: true

- name: Verify everything of one server now
  pgdr.barman.verify_backups:
    servers: [pg-eu]
    everything: true
  become: true
  register: verified

- name: Find out whether this backup server has an intact copy of a damaged segment
  pgdr.barman.verify_backups:
    servers: [pg-eu]
    copies_of: [00000001000000000000004D]
  become: true
"""

RETURN = r"""
verifications:
  description: The result of each server, by Barman's name for it.
  returned: always
  type: dict
  sample:
    pg-eu:
      server: pg-eu
      id: 20261130T043000Z-5f2c81aa
      time: "2026-11-30T04:30:00+00:00"
      result: failed
      reason: >-
        /var/lib/barman/pg-eu/wals/0000000100000000/00000001000000000000004D: the checksum of the record at 0/4D0A81C8 is wrong
        (an intact copy is /var/lib/barman/pg-eu/streaming/00000001000000000000004D)
      requested_by: barman
      host: backup
      days: 30
      planned: {backups: [20261120T070150], segments: 12, bytes: 1294534144}
      budget_bytes: 1300000000
      stored_bytes: 39000000000
      unread_since: "2026-11-02T04:30:00+00:00"
      read: {backups: [20261120T070150], segments: 12, files: 1215, bytes: 1294534144}
      programs: [pg_verifybackup]
      wal_program: pg_waldump
      generated_manifests: []
      not_verified: {}
      not_verified_wal: {}
      damaged_files: 1
      damages:
        - backup_id: null
          name: 00000001000000000000004D
          path: /var/lib/barman/pg-eu/wals/0000000100000000/00000001000000000000004D
          problem: "/var/lib/barman/pg-eu/wals/0000000100000000/00000001000000000000004D: the checksum of the record at 0/4D0A81C8 is wrong"
          found: "2026-11-30T04:30:00+00:00"
          copies: [/var/lib/barman/pg-eu/streaming/00000001000000000000004D]
      missing: []
      consequences:
        lost_backups: []
        shortened: [{backups: [20261120T070150], last_wal: 00000001000000000000004C, intended: 000000010000000000000061}]
        recovery_windows: []
        unknown: null
        text: recoveries from backup 20261120T070150 end at WAL segment 00000001000000000000004C, and not at 000000010000000000000061
      seconds: 11.4
  contains:
    server:
      description: Barman's name of the server.
      type: str
    id:
      description: The id of the record in the ledger. Not in check mode.
      type: str
    time:
      description: The time when the verification started, in UTC. Not in check mode.
      type: str
    result:
      description: V(passed), V(failed), V(skipped) for backups in an object store, or V(planned) in check mode.
      type: str
    reason:
      description: Why the verification failed.
      type: str
    requested_by:
      description: Who ran the verification.
      type: str
    host:
      description: The backup server.
      type: str
    days:
      description: The number of days within which everything is read.
      type: int
    planned:
      description: What the run reads. In check mode, what it would read.
      type: dict
    budget_bytes:
      description: The bytes of a run that suffice to read everything in time. A single larger backup is read at once.
      type: int
    stored_bytes:
      description: The bytes of all backups and WAL segments.
      type: int
    unread_since:
      description:
        - Since when the backup or the segment has not been read that was not read for the longest. It counts from the first verification at the earliest.
        - A backup that could not be verified does not count as read, except those in RV(verifications.not_verified) that are encrypted or of snapshots.
      type: str
    read:
      description: What the run read. C(files) counts the files of the backups and the segments.
      type: dict
    programs:
      description: What compared the backups, C(pg_verifybackup) or C(pgdr.barman).
      type: list
      elements: str
    wal_program:
      description: What read the WAL, C(pg_waldump) or C(pgdr.barman). It is empty if the run read no WAL.
      type: str
    generated_manifests:
      description: The ids of the backups whose manifest Barman wrote in this run.
      type: list
      elements: str
    not_verified:
      description: Why backups were not read, or were read in part, by their ids.
      type: dict
    not_verified_wal:
      description: Why encrypted WAL can't be decrypted on this host, by the names of its files. It is not damaged for that.
      type: dict
    damaged_files:
      description: The number of damaged files, those of earlier runs included.
      type: int
    damages:
      description:
        - The first 100 damaged files. C(name) is the name in the manifest, or of the WAL file. C(copies) has the paths of intact copies on this host.
      type: list
      elements: dict
    missing:
      description: The WAL segments that are missing after the oldest valid backup.
      type: list
      elements: dict
    consequences:
      description:
        - What the damages cut off. C(lost_backups) can't be recovered from. C(shortened) has the backups whose recoveries end earlier, C(recovery_windows)
          what can still be recovered, and C(text) the same as a sentence. V(null) without a damage.
      type: dict
    seconds:
      description: The duration of the verification.
      type: float
problems:
  description: Each failed verification in a sentence.
  returned: always
  type: list
  elements: str
  sample: []
copies:
  description: For each name of O(copies_of) the path of an intact copy on this host, or V(null).
  returned: always
  type: dict
  sample: {00000001000000000000004D: /var/lib/barman/pg-eu/wals/0000000100000000/00000001000000000000004D}
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._stored.request import VERIFICATION_ARGUMENTS
from ..module_utils._stored.run import verify_stored

ARGUMENTS: dict[str, Any] = {**barman_argument_spec(), **VERIFICATION_ARGUMENTS}


def main() -> None:
    run_module(ARGUMENTS, verify_stored, on_error={"verifications": {}, "problems": [], "copies": {}})


if __name__ == "__main__":
    main()
