#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: verify_recovery
short_description: Start what was recovered, isolated, and prove it
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Starts a PostgreSQL server from a recovered data directory, lets it recover to its target, asks it queries, and stops it.
  - Nobody else can reach this server. It has no TCP port, and its socket is in a directory that only its user can enter. It archives nothing,
    connects to no primary and loads no libraries, unless O(settings) say so, or the WAL has records of an extension's own resource manager.
  - The server pauses at the target and is read-only. The data directory is not used up by that. Started for good, it recovers to its target
    again and then does what was asked for, with its own settings, none of which is changed.
  - A recovery to the end of the WAL has no target to pause at. The test then stops at the last record of the WAL that was laid down.
  - Every database is connected to, with the timeouts of roles and databases off. A database whose locale this host does not have, and a library of
    C(shared_preload_libraries) that is not installed here, is an error.
  - Where the server does not come up, or does not reach the target, the error says why, from PostgreSQL's log.
  - Whatever happens, no server is left running.
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
    details:
      - The directory, its control file and PostgreSQL's programs are looked at; nothing is started, and RV(test) has only the target. With O(running=true)
        everything is asked, since it is read only.
  diff_mode:
    support: none
  idempotent:
    support: partial
    details:
      - The test replays WAL into the data directory, so it always reports a change. It can be repeated. With O(running=true) nothing is changed.
requirements:
  - the PostgreSQL server's programs of the directory's major version, C(psql) among them
options:
  data_directory:
    description:
      - The directory that M(pgdr.barman.recover), or somebody else, laid down on this host.
    type: path
    required: true
  bin_directory:
    description:
      - Where PostgreSQL's programs are. Where it is not given, the usual places for the directory's major version are searched, then E(PATH).
    type: path
  user:
    description:
      - The operating system user that starts the server. It must own the directory, and where it is not given, it is that owner.
    type: str
  database_user:
    description:
      - The database user that asks the queries, a superuser.
    type: str
    default: postgres
  target_lsn:
    description:
      - Where a recovery to the end of the WAL is to pause, such as V(0/6B37D0A8). Needed only where the end can't be found because the WAL is
        not in the directory.
      - A directory with a target of its own keeps that.
    type: str
  promote:
    description:
      - Let the server leave recovery. This uses the directory up. It is for a copy that is thrown away afterwards.
    type: bool
    default: false
  checksums:
    description:
      - Whether to verify the data checksums of all files after the server was stopped. RV(test.checksums) says whether the cluster has any.
    type: bool
    default: false
  locked_queries:
    description:
      - What becomes of a query that can't be answered where the recovery stops. A recovery to just before a C(DROP TABLE), a C(TRUNCATE) or an
        C(ALTER TABLE) stops with that transaction's lock on the table, if nothing else was committed in between, and PostgreSQL gives it up only when
        the recovery ends.
      - V(fail) - the test fails, and says so.
      - V(leave) - it is returned with C(locked), for you to ask with O(running) when the server was started for good.
    type: str
    choices: [fail, leave]
    default: fail
  running:
    description:
      - Ask the O(queries) of the server that was started for good with this directory, and start none. It must have left recovery.
    type: bool
    default: false
  queries:
    description:
      - Queries, and what they must answer. All are asked, read-only, and the test fails when one answers something else.
    type: list
    elements: dict
    default: []
    suboptions:
      query:
        description: The query.
        type: str
        required: true
      database:
        description: The database to ask.
        type: str
        default: postgres
      expect:
        description:
          - The answer. A scalar is one row of one column, a list is one column or one row, a list of lists is rows.
          - Numbers are compared as numbers, booleans and V(null) as what they are, everything else as text.
          - Where it is not given, any answer is right, and is returned.
        type: raw
  settings:
    description:
      - Further PostgreSQL settings for this server, such as V(shared_preload_libraries) where queries need an extension.
    type: dict
    default: {}
  timeout:
    description:
      - How many seconds the server may take to reach the target, and each query to answer.
    type: int
    default: 1800
seealso:
  - module: pgdr.barman.recover
"""

EXAMPLES = r"""
- name: Prove that the recovery comes up, reaches its target and has the rows
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

- name: Prove it as far as it can be done before a table was dropped
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
    queries: &queries
      - database: shop
        query: SELECT count(*) FROM orders
        expect: 11424
    locked_queries: leave
  become: true

- name: Ask it again when PostgreSQL was started
  pgdr.barman.verify_recovery:
    data_directory: /var/lib/postgresql/17/main
    queries: *queries
    running: true
  become: true

- name: Test a throwaway copy with its promotion and all its checksums
  pgdr.barman.verify_recovery:
    data_directory: /srv/drill/pg
    promote: true
    checksums: true
    timeout: 7200
  become: true
"""

RETURN = r"""
test:
  description: What was proven. Where the test failed, what was known until then.
  returned: always, as far as it came
  type: dict
  contains:
    data_directory:
      description: The directory.
      type: str
      sample: /var/lib/postgresql/17/main
    postgres_version:
      description: PostgreSQL's major version.
      type: int
      sample: 17
    target:
      description: The recovery settings that say where recovery stops.
      type: dict
      sample: {recovery_target_time: "2026-11-20 08:30:00+00:00", recovery_target_timeline: "1"}
    planned:
      description: What M(pgdr.barman.recover) had found in the WAL, its C(backup_id), C(reached) and C(last_recoverable), where it made the directory.
      type: dict
    reached:
      description:
        - Where the server stopped, its C(lsn), the C(time) of the last transaction replayed, C(xid) or C(name) where the target has one, and
          PostgreSQL's own C(message).
      type: dict
      sample:
        lsn: 0/1C0051F8
        time: "2026-11-20 08:29:59.8712+00"
        xid: 11425
        name: null
        message: recovery stopping before commit of transaction 11425, time 2026-11-20 08:30:00.000311+00
    timeline:
      description: The timeline it was on there.
      type: int
      sample: 1
    consistent:
      description: Whether the database was consistent.
      type: bool
      sample: true
    consistent_lsn:
      description: Since where.
      type: str
      sample: 0/4000158
    settings_needed:
      description:
        - Settings that were raised on the primary after the backup. The recovered server needs at least these values in its configuration;
          with lower ones it pauses in the middle of its recovery. Only where there are any.
      type: dict
      sample: {max_connections: "150"}
    promoted:
      description: Whether the server left recovery.
      type: bool
      sample: false
    queries:
      description: Each query with its C(rows), C(expect) and C(matched), and C(locked) where it could not be answered for a lock.
      type: list
      elements: dict
      sample: [{database: shop, query: "SELECT count(*) FROM orders", rows: [["11424"]], expect: 11424, matched: true, locked: false}]
    outbound:
      description:
        - What the server would do to other servers by itself, its enabled C(subscriptions) as DATABASE/NAME, and the number of active C(cron_jobs) of
          pg_cron, V(null) if they could not be counted. See M(pgdr.barman.recovered_copy).
      type: dict
      sample: {subscriptions: [], cron_jobs: 0}
    stopped_cleanly:
      description: Whether the server stopped as it should, and the directory goes on waiting for its recovery.
      type: bool
      sample: true
    databases:
      description: The databases that a connection was made to. One that can't be used on this host, as for a locale that is missing, is an error.
      type: list
      elements: str
      sample: [postgres, shop, template1]
    collation_mismatches:
      description:
        - Databases and collations of indexes that were sorted by another version of the C or ICU library than this host has, each with C(database),
          C(collation), C(recorded) and C(actual). Rebuild the indexes that sort text (C(REINDEX)), then C(ALTER DATABASE … REFRESH COLLATION VERSION).
      type: list
      elements: dict
      sample: []
    checksums:
      description:
        - The data checksums. C(status) is V(verified), V(wrong), V(off) (the cluster has none) or V(skipped) (O(checksums=false)); with C(enabled),
          C(files), C(blocks), C(bad) and C(seconds) if they were read.
      type: dict
      sample: {status: verified, enabled: true, files: 982, blocks: 203144, bad: 0, seconds: 1.2}
    recovery_duration:
      description: Seconds from the start of the server to the target.
      type: float
      sample: 3.8
    duration:
      description: Seconds of the whole test.
      type: float
      sample: 5.1
    log_excerpt:
      description: The last lines of the server's log.
      type: list
      elements: str
"""

import signal

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._host.process import HostError
from ..module_utils._postgres.wal import WalError, parse_lsn
from ..module_utils._verify.verify_recovery import Question, RecoveryTest, RecoveryTestError, RecoveryTestRequest


def _terminated(number: int, frame: object) -> None:
    raise HostError("the test was ended by signal %d; its server is stopped" % number)


def _request(module: AnsibleModule) -> RecoveryTestRequest:
    params = module.params
    if params["target_lsn"] is not None:
        parse_lsn(params["target_lsn"])
    questions = tuple(
        Question(item["query"], item["database"], item["expect"], item["expect"] is not None)
        for item in params["queries"]
    )
    return RecoveryTestRequest(
        data_directory=params["data_directory"],
        bin_directory=params["bin_directory"],
        user=params["user"],
        database_user=params["database_user"],
        target_lsn=params["target_lsn"],
        promote=params["promote"],
        checksums=params["checksums"],
        questions=questions,
        settings={name: str(value) for name, value in params["settings"].items()},
        timeout=params["timeout"],
        leave_locked=params["locked_queries"] == "leave",
    )


def main() -> None:
    module = AnsibleModule(
        argument_spec={
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
        },
        supports_check_mode=True,
    )
    beside = [name for name in ("promote", "checksums", "target_lsn", "settings") if module.params[name]]
    if module.params["running"] and beside:
        module.fail_json(msg="running: nothing is started, so %s can't be given beside it" % ", ".join(beside), test={})
    signal.signal(signal.SIGTERM, _terminated)
    try:
        test = RecoveryTest(_request(module))
        if module.params["running"]:
            module.exit_json(changed=False, test=test.ask_running())
        if module.check_mode:
            prepared = test.prepare()
            facts = {"data_directory": prepared.directory.path, "target": dict(prepared.target)}
            module.exit_json(changed=True, test=facts)
        module.exit_json(changed=True, test=test.run())
    except RecoveryTestError as exc:
        module.fail_json(msg=str(exc), test=exc.facts)
    except WalError as exc:
        module.fail_json(msg="target_lsn: %s" % exc, test={})
    except HostError as exc:
        module.fail_json(msg=str(exc), test={})


if __name__ == "__main__":
    main()
