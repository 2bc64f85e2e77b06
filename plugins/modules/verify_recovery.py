#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_recovery
short_description: Verify a recovered data directory with an isolated PostgreSQL server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Starts a PostgreSQL server on a recovered data directory, waits until it has recovered to its target, runs queries, and stops it.
  - Nobody else can connect to this server. It has no TCP port, and its socket is in a directory that only its user can access.
  - The server archives nothing, connects to no primary and loads no libraries. Exceptions are O(settings), and libraries that replay an extension's
    own WAL records.
  - The server pauses at the target and is read-only, so the data directory remains usable. When PostgreSQL starts on it normally, it recovers to its
    target again. Then it performs its target action, with its own settings, which the module does not change.
  - A recovery to the end of the archived WAL has no target to pause at. The test then stops at the last record of the restored WAL.
  - The module connects to every database, with the timeouts of roles and databases disabled. It fails if this host lacks the locale of a database, or
    a library of C(shared_preload_libraries).
  - If the server does not start, or does not reach the target, the error contains the reason from PostgreSQL's log.
  - In every case, the module stops the server that it started.
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
    details:
      - The module checks the directory, its control file and PostgreSQL's programs. It starts nothing, and RV(test) contains only the target.
      - With O(running=true), it runs all queries, since they are read-only.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - The test replays WAL into the data directory, so it always reports a change. It can be repeated. With O(running=true) it changes nothing.
requirements:
  - the PostgreSQL server's programs of the directory's major version, including C(psql)
options:
  data_directory:
    description:
      - The data directory on this host that M(pgdr.barman.recover) or another program restored.
    type: path
    required: true
  bin_directory:
    description:
      - The directory of PostgreSQL's programs. If it is not set, the module searches the usual directories of the major version, then E(PATH).
    type: path
  user:
    description:
      - The operating system user that starts the server. It must own the data directory. If it is not set, it is the directory's owner.
    type: str
  database_user:
    description:
      - The database user that runs the queries. It must be a superuser.
    type: str
    default: postgres
  target_lsn:
    description:
      - The LSN at which a recovery to the end of the archived WAL pauses, such as V(0/6B37D0A8). Required only if the directory does not contain the
        WAL, so that the module can't find its end.
      - If the directory has a target of its own, the module uses that.
    type: str
  promote:
    description:
      - Whether to promote the server. After that the directory can't be recovered to its target again. Use it for a copy that is removed afterwards.
    type: bool
    default: false
  checksums:
    description:
      - Whether to verify the data checksums of all files after the stop of the server. RV(test.checksums) reports whether the cluster has checksums.
    type: bool
    default: false
  locked_queries:
    description:
      - The action for a query that can't run because of a lock at the recovery target. For example, a recovery to just before a C(DROP TABLE), a
        C(TRUNCATE) or an C(ALTER TABLE) stops with that transaction's lock on the table.
      - This happens if no other transaction committed in between. PostgreSQL releases the lock only when the recovery ends.
      - V(fail) - The test fails and reports the lock.
      - V(leave) - The module returns the query with C(locked). Run the query with O(running=true) after the normal start of the server.
    type: str
    choices: [fail, leave]
    default: fail
  running:
    description:
      - Whether to run the O(queries) on the server that runs normally on this directory, and to start none. The server must have left recovery.
    type: bool
    default: false
  queries:
    description:
      - The queries and their expected results. The module runs all of them, read-only. The test fails if a result differs.
    type: list
    elements: dict
    default: []
    suboptions:
      query:
        description: The SQL text of the query.
        type: str
        required: true
      database:
        description: The database in which the query runs.
        type: str
        default: postgres
      expect:
        description:
          - The expected result. A scalar is one row of one column, a list is one column or one row, a list of lists is rows.
          - The module compares numbers as numbers, Booleans and V(null) as such, and everything else as text.
          - If it is not set, every result is accepted and returned.
        type: raw
  settings:
    description:
      - Additional PostgreSQL settings for this server, such as V(shared_preload_libraries) if queries need an extension.
    type: dict
    default: {}
  timeout:
    description:
      - The number of seconds to wait until the server reaches the target, and the time limit of each query.
    type: int
    default: 1800
seealso:
  - module: pgdr.barman.recover
"""

EXAMPLES = r"""
- name: Verify that the server starts, reaches its target and contains the rows
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
    queries:
      - database: shop
        query: SELECT count(*) FROM orders WHERE placed <= '2026-11-20 08:30:00+00'
        expect: 11424
      - database: shop
        query: SELECT NOT EXISTS (SELECT FROM orders WHERE placed > '2026-11-20 08:30:00+00')
        expect: true
  become: true
  register: proof

- name: Verify a recovery to just before the removal of a table
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
    queries: &queries
      - database: shop
        query: SELECT count(*) FROM orders
        expect: 11424
    locked_queries: leave
  become: true

- name: Run the queries again after the start of PostgreSQL
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
    queries: *queries
    running: true
  become: true

- name: Verify a temporary copy with its promotion and all its checksums
  pgdr.barman.verify_recovery:
    data_directory: /srv/drill/pg
    promote: true
    checksums: true
    timeout: 7200
  become: true
"""

RETURN = r"""
test:
  description: The results of the verification. If the test failed, the results up to the failure.
  returned: always, as far as the test ran
  type: dict
  contains:
    data_directory:
      description: The path of the data directory.
      type: str
      sample: /var/lib/postgresql/17/main
    postgres_version:
      description: The major version of PostgreSQL.
      type: int
      sample: 17
    target:
      description: The recovery settings that define the recovery target.
      type: dict
      sample: {recovery_target_time: "2026-11-20 08:30:00+00:00", recovery_target_timeline: "1"}
    planned:
      description: The C(backup_id), C(reached) and C(last_recoverable) that M(pgdr.barman.recover) read in the WAL, if it restored the directory.
      type: dict
    reached:
      description:
        - The point at which the server stopped. It has the C(lsn), the C(time) of the last replayed transaction, C(xid) or C(name) if the target has
          one, and PostgreSQL's own C(message).
      type: dict
      sample:
        lsn: 0/1C0051F8
        time: "2026-11-20 08:29:59.8712+00"
        xid: 11425
        name: null
        message: recovery stopping before commit of transaction 11425, time 2026-11-20 08:30:00.000311+00
    timeline:
      description: The timeline of the server at that point.
      type: int
      sample: 1
    consistent:
      description: Whether the database was consistent.
      type: bool
      sample: true
    consistent_lsn:
      description: The LSN from which the database was consistent.
      type: str
      sample: 0/4000158
    settings_needed:
      description:
        - Settings that were raised on the primary after the backup. The recovered server needs at least these values in its configuration. With lower
          values it pauses in the middle of its recovery.
        - Returned only if there are any.
      type: dict
      sample: {max_connections: "150"}
    promoted:
      description: Whether the server was promoted.
      type: bool
      sample: false
    queries:
      description: Each query with its C(rows), C(expect) and C(matched). C(locked) is true if the query could not run because of a lock.
      type: list
      elements: dict
      sample: [{database: shop, query: "SELECT count(*) FROM orders", rows: [["11424"]], expect: 11424, matched: true, locked: false}]
    locked_queries:
      description: The queries that could not run because of a lock, in the form of O(queries).
      type: list
      elements: dict
      sample: []
    outbound:
      description:
        - What the server would start itself that affects other servers. C(subscriptions) contains its enabled subscriptions as DATABASE/NAME.
          C(cron_jobs) is the number of active jobs of pg_cron, V(null) if they could not be counted. See M(pgdr.barman.recovered_copy).
      type: dict
      sample: {subscriptions: [], cron_jobs: 0}
    stopped_cleanly:
      description: Whether the server stopped cleanly, so that the directory can still be recovered normally.
      type: bool
      sample: true
    databases:
      description: The databases to which the module connected. If this host can't use a database, for example without its locale, the module fails.
      type: list
      elements: str
      sample: [postgres, shop, template1]
    collation_mismatches:
      description:
        - Databases and collations of indexes that were sorted by another version of the C or ICU library than that of this host. Each has
          C(database), C(collation), C(recorded) and C(actual).
        - Rebuild the indexes that sort text (C(REINDEX)), then run C(ALTER DATABASE … REFRESH COLLATION VERSION).
      type: list
      elements: dict
      sample: []
    checksums:
      description:
        - The result of the data checksums. C(status) is V(verified), V(wrong), V(off) (the cluster has none) or V(skipped) (O(checksums=false)).
        - If the module verified them, C(enabled), C(files), C(blocks), C(bad) and C(seconds) are set.
      type: dict
      sample: {status: verified, enabled: true, files: 982, blocks: 203144, bad: 0, seconds: 1.2}
    recovery_duration:
      description: The number of seconds from the start of the server to the target.
      type: float
      sample: 3.8
    duration:
      description: The number of seconds of the whole test.
      type: float
      sample: 5.1
    log_excerpt:
      description: The last lines of the server's log.
      type: list
      elements: str
"""

from typing import Any

from ..module_utils._module import run_module
from ..module_utils._verify.operation import verify

ARGUMENTS: dict[str, Any] = {
    "data_directory": {"type": "path", "required": True},
    "bin_directory": {"type": "path"},
    "user": {"type": "str"},
    "database_user": {"type": "str", "default": "postgres"},
    "target_lsn": {"type": "str"},
    "promote": {"type": "bool", "default": False},
    "checksums": {"type": "bool", "default": False},
    "queries": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "query": {"type": "str", "required": True},
            "database": {"type": "str", "default": "postgres"},
            "expect": {"type": "raw"},
        },
    },
    "settings": {"type": "dict", "default": {}},
    "locked_queries": {"type": "str", "choices": ["fail", "leave"], "default": "fail"},
    "running": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 1800},
}


def main() -> None:
    run_module(ARGUMENTS, verify, on_error={"test": {}})


if __name__ == "__main__":
    main()
