#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: synchronous_standby
short_description: Manage Barman's WAL receivers in synchronous_standby_names
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host and adds the names of WAL receivers to C(synchronous_standby_names), with C(ALTER SYSTEM) and a reload. It never
    replaces the existing names.
  - Every commit then waits for an added receiver, and for the existing names as before. For example, C(FIRST 1 (a)) becomes C(FIRST 2
    ("barman_receive_wal", a)).
  - In some of PostgreSQL's lists all standbys must confirm a commit, in others only some of them, such as C(ANY 1 (a, b)). No name can be added to
    the latter so that commits always wait for it. For such a list, the module changes nothing, and fails with the values to choose from.
  - As soon as a name is added, commits wait. Run M(pgdr.barman.wal_receiver) with O(pgdr.barman.wal_receiver#module:synchronous) immediately
    afterwards. Barman runs a receiver in synchronous mode only if its name was in the setting when the receiver started.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._login
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
options:
  state:
    description:
      - With V(present), commits wait for O(names), and do not wait for other receivers that this module added.
      - With V(absent), commits do not wait for receivers that this module added. Names of other owners stay.
    type: str
    choices: [present, absent]
    default: present
  names:
    description:
      - The names of the receivers, Barman's C(streaming_archiver_name). A name starts with V(barman) and contains only letters, digits and
        underscores.
      - The module writes the name in double quotes, which PostgreSQL does not require, and recognizes its own names by them.
      - Required with O(state=present). With O(state=absent), the module removes only these names. If it is not set then, the module removes all names
        that it added.
    type: list
    elements: str
notes:
  - The module does not remove a name that somebody added manually, unless it is in the form of this module.
  - The module does not edit C(postgresql.conf). C(ALTER SYSTEM) overrides it. If the value of C(ALTER SYSTEM) would contain nothing else, the module
    resets it.
seealso:
  - module: pgdr.barman.wal_receiver
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Configure commits to wait for Barman
  pgdr.barman.synchronous_standby:
    names: [barman_receive_wal]
  become: true

- name: Verify that the receiver runs in synchronous mode
  pgdr.barman.wal_receiver:
    servers: [pg-eu]
    synchronous: true
  become: true
  delegate_to: backup-eu

- name: Configure commits not to wait for Barman
  pgdr.barman.synchronous_standby:
    state: absent
  become: true
"""

RETURN = r"""
synchronous_standby_names:
  description: The setting after the run, or after the change in check mode.
  returned: success
  type: str
  sample: FIRST 1 ("barman_receive_wal")
added:
  description: The names that the module added, or would add in check mode.
  returned: success
  type: list
  elements: str
  sample: [barman_receive_wal]
removed:
  description: The names that the module removed, or would remove in check mode.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ..module_utils._host.result import Result
from ..module_utils._module import run_module
from ..module_utils._postgres.connection import require_psycopg
from ..module_utils._postgres.login import logged_in, login_argument_spec
from ..module_utils._postgres.standby_names import require_our_names
from ..module_utils._postgres.synchronous import configure

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "names": {"type": "list", "elements": "str"},
    **login_argument_spec(),
}


def set_standby_names(params: dict[str, Any], *, check_mode: bool) -> Result:
    names, present = params["names"], params["state"] == "present"
    require_our_names(names or ())
    require_psycopg()
    with logged_in(params) as session:
        return configure(session, names if present else [], None if present else names, check_mode=check_mode)


def main() -> None:
    run_module(ARGUMENTS, set_standby_names, required_if=[("state", "present", ("names",))])


if __name__ == "__main__":
    main()
