#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: server
short_description: Manage the server entries in Barman's configuration
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Makes the server entries of a backup host as they are declared, all of them in one call, and options of the C([barman]) section.
  - Barman answers an unknown option or a wrong value with a warning, goes on with its default, and one broken file stops the backups
    of every server. So this module first compares every option with what the installed version of Barman knows, then writes the
    whole configuration to a private directory, has the installed Barman read it there, and moves it in place only when Barman has
    nothing against it. Barman does not connect to PostgreSQL for this.
  - One file is made for every server. A file that this module did not make is left alone.
  - Backups, WAL archives and replication slots are never touched. Use M(pgdr.barman.wal_receiver) with O(pgdr.barman.wal_receiver#module:state=absent)
    before a server is removed.
options:
  servers:
    description:
      - The server entries.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Barman's name for the server. It is the name of the file and of the section.
        type: str
        required: true
      options:
        description:
          - The entry's options, by their names in Barman. Booleans, numbers, and lists are written as Barman wants them, and C(%) is escaped.
          - An option whose value is V(null) is not written.
          - A password in C(conninfo) is not shown in output and diff. Better keep it in C(.pgpass).
        type: dict
        default: {}
      state:
        description:
          - Whether the entry is there.
          - V(absent) removes this module's file only. The server's backups stay where they are.
        type: str
        choices: [present, absent]
        default: present
      host:
        description:
          - The inventory host that the entry is for. It is noted in the file, and comes back in RV(unlisted) when the entry is not declared any more.
          - Where it is not given, the one that is noted already stays.
        type: str
      merge:
        description:
          - Put O(servers[].options) into the entry that this module made earlier, and leave its other options as they are.
          - Nothing is done where there is no such entry.
        type: bool
        default: false
  handover:
    description:
      - Keep, in an entry that is there, the way by which WAL comes to Barman now, beside the way that is declared.
      - An active entry that is to be passive stays as it is.
      - RV(handing_over) says which entries that is. See to what comes that way, and call the module again without this.
    type: bool
    default: false
  declared_hosts:
    description:
      - The inventory hosts that some backup server backs up. RV(undeclared) has the other active entries of RV(unlisted), and the module warns of each.
      - Where it is not given, RV(undeclared) is empty.
    type: list
    elements: str
  prune:
    description:
      - Whether entries are removed that this module made earlier and that are not in O(servers).
    type: bool
    default: false
  keep:
    description:
      - Inventory hosts whose entries O(prune) does not remove, whatever their names are (O(servers[].host)).
    type: list
    elements: str
    default: []
  allow_empty:
    description:
      - Whether an empty O(servers) together with O(prune=true) is meant. It removes every entry that this module made, and is refused otherwise.
    type: bool
    default: false
  adopt:
    description:
      - Whether a server that is in a file which this module did not make is taken over. What was there is kept as a backup beside it.
      - Without this such a server is an error.
    type: bool
    default: false
  global_options:
    description:
      - Options of the C([barman]) section in the main configuration file. The section is managed only where this is given.
      - Other options and comments in the section stay as they are, apart from hook scripts of M(pgdr.barman.hook_scripts) that are not here any more.
        V(null) takes an option out.
      - C(configuration_files_directory) is set to O(configuration_directory) where it is not given here.
    type: dict
  configuration_directory:
    description:
      - The directory with one file for every server.
      - Where it is not given, the one that the main configuration file names is used, or else C(/etc/barman.d).
    type: path
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - The configuration is read by Barman in check mode too, from a temporary directory that is removed again.
      - Where Barman is not installed yet, the options are compared with the newest version that this collection knows.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - Barman is not run where nothing has to be changed.
seealso:
  - module: pgdr.barman.check
  - module: pgdr.barman.wal_receiver
  - name: Barman's configuration
    description: All options with their meaning.
    link: https://docs.pgbarman.org/
"""

EXAMPLES = r"""
- name: Two servers on this backup host, and no others of ours
  pgdr.barman.server:
    servers:
      - name: pg-eu
        options:
          description: Orders, Europe
          conninfo: host=198.51.100.10 user=barman dbname=postgres
          streaming_conninfo: host=198.51.100.10 user=streaming_barman
          backup_method: postgres
          streaming_archiver: true
          slot_name: barman
          create_slot: auto
          retention_policy: RECOVERY WINDOW OF 14 DAYS
          minimum_redundancy: 1
      - name: pg-us
        options:
          ssh_command: ssh postgres@198.51.100.20
          conninfo: host=198.51.100.20 user=barman dbname=postgres
          backup_method: rsync
          reuse_backup: link
          parallel_jobs: 4
          archiver: true
    prune: true
  become: true

- name: The global options that every server inherits
  pgdr.barman.server:
    global_options:
      barman_home: /srv/barman
      compression: gzip
      immediate_checkpoint: true
  become: true

- name: Forget a server and keep its backups
  pgdr.barman.server:
    servers:
      - name: pg-old
        state: absent
  become: true
  register: forgotten

- name: Have Barman do nothing more for a server that is kept elsewhere now
  pgdr.barman.server:
    servers:
      - name: pg-moved
        merge: true
        options:
          active: false
  become: true

- name: Take over a server that was configured by hand
  pgdr.barman.server:
    servers:
      - name: legacy
        options:
          conninfo: host=198.51.100.30 user=barman dbname=postgres
          ssh_command: ssh postgres@198.51.100.30
          archiver: true
    adopt: true
  become: true
"""

RETURN = r"""
servers:
  description: The names of the entries that are declared as present.
  returned: success
  type: list
  elements: str
  sample: [pg-eu, pg-us]
files:
  description: The files that were written or removed, or would be in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/barman.d/pg-eu.conf]
removed:
  description: What is left of each server whose entry was removed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The server's name.
      type: str
      returned: always
      sample: pg-old
    backup_directory:
      description: The directory with its backups and WAL. It was not touched.
      type: str
      returned: when the entry could be read
      sample: /var/lib/barman/pg-old
    backup_directory_exists:
      description: Whether that directory is there.
      type: bool
      returned: when the entry could be read
      sample: true
    slot_name:
      description:
        - The replication slot that may still be on the PostgreSQL server and keep its WAL from being removed; V(null) for none.
      type: str
      returned: when the entry could be read
      sample: barman
handing_over:
  description:
    - With O(handover), by server, what its entry still has that is not declared - V(streaming), V(archiving), V(slot) where RV(former_slots) are noted in
      it, or V(server) for an active entry that is to be passive.
  returned: success
  type: dict
  sample: {pg-eu: [streaming]}
former_slots:
  description:
    - With O(handover), by server, the replication slots that its entry named before. They keep WAL on the PostgreSQL server until they are dropped
      (O(pgdr.barman.wal_receiver#module:former_slots)), and are noted in the entry until the module is called without O(handover).
  returned: success
  type: dict
  sample: {pg-eu: [barman]}
unlisted:
  description:
    - The entries that this module made earlier, that are not in O(servers), and that stay.
    - With O(handover), also an active entry that is to be passive.
  returned: success
  type: list
  elements: dict
  sample: [{name: pg-old, host: pg-old, active: true, passive: false, streaming: true, archiving: false, slot_name: barman}]
undeclared:
  description:
    - With O(declared_hosts), the active entries that this module made earlier and that the inventory of this run declares on no backup server.
      Nobody said what became of them, so nothing of them is taken away.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The server's name.
      type: str
      sample: pg-old
    hint:
      description: What is wrong, and both ways on.
      type: str
      sample: Barman has this entry, made for the inventory host pg-old, and the inventory of this run does not declare it here.
backups:
  description: The files in which is kept what O(adopt) took over.
  returned: success
  type: list
  elements: str
  sample: ["/etc/barman.d/legacy.conf.20261120T070156~"]
barman_version:
  description: The installed version of Barman, with which the options were compared.
  returned: when something was changed, or would be in check mode, and Barman is installed
  type: str
  sample: 3.13.3
"""

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._barman.arguments import barman_argument_spec, barman_from
from ansible_collections.pgdr.barman.plugins.module_utils._check.undeclared import undeclared_of
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._server.entry_files import (
    Desired,
    Entry,
    diff,
    masked_options,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server.staging import ensure


def argument_spec() -> dict[str, Any]:
    return {
        **barman_argument_spec(),
        "servers": {
            "type": "list",
            "elements": "dict",
            "default": [],
            "options": {
                "name": {"type": "str", "required": True},
                "options": {"type": "dict", "default": {}},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "host": {"type": "str"},
                "merge": {"type": "bool", "default": False},
            },
        },
        "handover": {"type": "bool", "default": False},
        "keep": {"type": "list", "elements": "str", "default": []},
        "declared_hosts": {"type": "list", "elements": "str"},
        "prune": {"type": "bool", "default": False},
        "allow_empty": {"type": "bool", "default": False},
        "adopt": {"type": "bool", "default": False},
        "global_options": {"type": "dict"},
        "configuration_directory": {"type": "path"},
    }


def desired_from(params: dict[str, Any]) -> Desired:
    return Desired(
        [
            Entry(item["name"], item["options"], item["state"] == "present", item["host"], item["merge"])
            for item in params["servers"]
        ],
        params["global_options"],
        params["prune"],
        params["adopt"],
        params["keep"],
        params["handover"],
    )


def without_secrets(params: dict[str, Any]) -> dict[str, Any]:
    servers = [{**item, "options": masked_options(item["options"])} for item in params["servers"]]
    return {**params, "servers": servers, "global_options": masked_options(params["global_options"] or {})}


def main() -> None:
    # no_log: connection strings may hold passwords, and Ansible logs arguments on the managed host.
    module = AnsibleModule(argument_spec(), supports_check_mode=True, no_log=True)
    invocation = {"module_args": without_secrets(module.params)}
    if module.params["prune"] and not module.params["servers"] and not module.params["allow_empty"]:
        module.fail_json(
            msg="an empty list of servers would remove every entry (prune): set barman_allow_empty: true if that is meant "
            "(option allow_empty of the module)",
            invocation=invocation,
        )
    try:
        outcome = ensure(
            barman_from(module.params),
            desired_from(module.params),
            module.params["configuration_directory"],
            time.strftime("%Y%m%dT%H%M%S"),
            module.check_mode,
        )
    except HostError as exc:
        module.fail_json(msg=str(exc), invocation=invocation)
    undeclared = undeclared_of(outcome.answer.get("unlisted", ()), module.params["declared_hosts"])
    for warning in (*outcome.warnings, *("server '%(name)s': %(hint)s" % item for item in undeclared)):
        module.warn(warning)
    if outcome.problems:
        module.fail_json(
            msg="Barman's configuration was not changed: %s" % "; ".join(outcome.problems),
            problems=outcome.problems,
            invocation=invocation,
        )
    answer = {**outcome.answer, "undeclared": undeclared, "changed": outcome.plan.changed, "invocation": invocation}
    if module._diff:
        answer["diff"] = diff(outcome.plan.changes)
    module.exit_json(**answer)


if __name__ == "__main__":
    main()
