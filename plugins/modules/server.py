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
  - Manages all server entries of a backup server in one run, and options of the C([barman]) section.
  - If Barman reads an unknown option or a wrong value, it only warns and uses its default. One invalid file stops the backups of every server.
  - So this module first compares every option with those of the installed Barman version. Then it writes the whole configuration to a private
    directory, and runs the installed Barman on it. It installs the new files only if Barman reports no problem. Barman does not connect to PostgreSQL
    for this.
  - The module creates one file for every server. It does not change a file that it did not create.
  - The module never changes backups, WAL archives and replication slots. Before you remove a server, use M(pgdr.barman.wal_receiver) with
    O(pgdr.barman.wal_receiver#module:state=absent).
options:
  servers:
    description:
      - The server entries to manage.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description:
          - Barman's name of the server. It is the name of the file and of the section.
        type: str
        required: true
      options:
        description:
          - The options of the entry, by Barman's option names. The module writes Booleans, numbers and lists in Barman's format, and escapes C(%).
          - The module does not write an option whose value is V(null).
          - Output and diff do not show a password in C(conninfo). Prefer to keep passwords in C(.pgpass).
        type: dict
        default: {}
      state:
        description:
          - Whether the entry exists.
          - V(absent) removes only the file of this module. The server's backups stay.
        type: str
        choices: [present, absent]
        default: present
      host:
        description:
          - The inventory host of the entry. The module notes it in the file, and returns it in RV(unlisted) when the inventory does not declare the
            entry any more.
          - If it is not set, the present note stays.
        type: str
      merge:
        description:
          - Whether to write O(servers[].options) into the entry that this module created earlier, and to keep its other options.
          - If there is no such entry, the module does nothing.
        type: bool
        default: false
  handover:
    description:
      - Whether to keep, in an existing entry, the options through which Barman receives WAL now, in addition to the declared ones.
      - An active entry that is declared as passive does not change.
      - RV(handing_over) contains these entries. Complete the handover of their WAL, and run the module again without this option.
    type: bool
    default: false
  declared_hosts:
    description:
      - The inventory names of all hosts that some backup server backs up. RV(undeclared) contains the active entries of RV(unlisted) for other hosts,
        and the module warns of each.
      - If it is not set, RV(undeclared) is empty.
    type: list
    elements: str
  prune:
    description:
      - Whether to remove entries that this module created earlier and that O(servers) does not contain.
      - Inactive entries stay, because a decommission or a handover keeps them with their backups. To remove one, use O(servers[].state=absent).
    type: bool
    default: false
  keep:
    description:
      - The inventory names of hosts whose entries O(prune) does not remove, whatever their names are (O(servers[].host)).
    type: list
    elements: str
    default: []
  allow_empty:
    description:
      - Whether to allow an empty O(servers) together with O(prune=true), which removes every entry that this module created. Otherwise the module
        fails.
    type: bool
    default: false
  adopt:
    description:
      - Whether to take over a server that is in a file which this module did not create. The module keeps the old content as a backup beside the
        file.
      - With V(false), the module fails if there is such a server.
    type: bool
    default: false
  global_options:
    description:
      - Options of the C([barman]) section in the main configuration file. If it is not set, the module does not manage the section.
      - V(null) removes an option. Other options and comments in the section do not change, except that the module removes hooks whose script of
        M(pgdr.barman.hook_scripts) does not exist any more.
      - If C(configuration_files_directory) is not set here, the module sets it to O(configuration_directory).
    type: dict
  configuration_directory:
    description:
      - The directory with one file for every server.
      - If it is not set, the directory in the main configuration file applies, or else C(/etc/barman.d).
    type: path
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
attributes:
  check_mode:
    support: full
    details:
      - In check mode Barman also reads the configuration, from a temporary directory that the module removes afterwards.
      - If Barman is not installed yet, the module compares the options with the newest version that this collection knows.
  diff_mode:
    support: full
  idempotent:
    support: full
notes:
  - If nothing has to change, the module does not run Barman.
seealso:
  - module: pgdr.barman.check
  - module: pgdr.barman.wal_receiver
  - name: Barman's configuration
    description: All options with their meaning.
    link: https://docs.pgbarman.org/
"""

EXAMPLES = r"""
- name: Manage two servers on this backup server and remove other entries
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

- name: Set the global options that every server inherits
  pgdr.barman.server:
    global_options:
      barman_home: /srv/barman
      compression: gzip
      immediate_checkpoint: true
  become: true

- name: Remove the entry of a server and keep its backups
  pgdr.barman.server:
    servers:
      - name: pg-old
        state: absent
  become: true
  register: removed

- name: Deactivate a server that another backup server backs up now
  pgdr.barman.server:
    servers:
      - name: pg-moved
        merge: true
        options:
          active: false
  become: true

- name: Take over a server that was configured manually
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
  description: The files that the module wrote or removed, or would in check mode.
  returned: success
  type: list
  elements: str
  sample: [/etc/barman.d/pg-eu.conf]
removed:
  description: The remaining data of each server whose entry the module removed.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Barman's name of the server.
      type: str
      returned: always
      sample: pg-old
    backup_directory:
      description: The directory with the server's backups and WAL. The module does not change it.
      type: str
      returned: if the module could read the entry
      sample: /var/lib/barman/pg-old
    backup_directory_exists:
      description: Whether that directory exists.
      type: bool
      returned: if the module could read the entry
      sample: true
    slot_name:
      description:
        - The replication slot that may still exist on the PostgreSQL server, which then keeps its WAL for the slot. V(null) if there is none.
      type: str
      returned: if the module could read the entry
      sample: barman
handing_over:
  description:
    - With O(handover), by server, what its entry still contains although it is not declared. V(streaming), V(archiving), V(slot) if the entry
      contains RV(former_slots), or V(server) for an active entry that is declared as passive.
  returned: success
  type: dict
  sample: {pg-eu: [streaming]}
former_slots:
  description:
    - With O(handover), by server, the replication slots that its entry named before. The PostgreSQL server keeps WAL for them until they are dropped
      (O(pgdr.barman.wal_receiver#module:former_slots)). They stay in the entry until the module runs without O(handover).
  returned: success
  type: dict
  sample: {pg-eu: [barman]}
unlisted:
  description:
    - The entries that this module created earlier, that O(servers) does not contain, and that stay.
    - With O(handover), also an active entry that is declared as passive.
  returned: success
  type: list
  elements: dict
  sample:
    - name: pg-old
      host: pg-old
      active: true
      passive: false
      streaming: true
      archiving: false
      slot_name: barman
      users: [barman, streaming_barman]
      receiver_name: null
undeclared:
  description:
    - With O(declared_hosts), the active entries that this module created earlier and that the inventory of this run declares on no backup server.
    - The module removes nothing of them, because the inventory does not declare their state.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: Barman's name of the server.
      type: str
      sample: pg-old
    hint:
      description: The problem, and the two ways to solve it.
      type: str
      sample: Barman has this entry, created for the inventory host pg-old, and the inventory of this run does not declare it here.
backups:
  description: The backup files that contain what O(adopt) took over.
  returned: success
  type: list
  elements: str
  sample: ["/etc/barman.d/legacy.conf.20261120T070156~"]
barman_version:
  description: The installed version of Barman, with whose options the module compared.
  returned: if something changed, or would change in check mode, and Barman is installed
  type: str
  sample: 3.13.3
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._server.run import configure, without_secrets

ARGUMENTS: dict[str, Any] = {
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


def main() -> None:
    run_module(ARGUMENTS, configure, masking=without_secrets)


if __name__ == "__main__":
    main()
