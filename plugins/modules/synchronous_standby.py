#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: synchronous_standby
short_description: Have the commits of a PostgreSQL server wait for Barman's WAL receivers
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host and adds the names of WAL receivers to C(synchronous_standby_names), with C(ALTER SYSTEM) and a reload. What is
    there already is added to and never replaced.
  - Every commit waits for a receiver that was added, and as before for what was there - C(FIRST 1 (a)) becomes
    C(FIRST 2 ("barman_receive_wal", a)).
  - PostgreSQL knows lists of which all must confirm a commit, and lists of which some must. In a list of which some must, no name can be added
    so that commits always wait for it; C(ANY 1 (a, b)) is an example. There the module changes nothing, and fails with the values to choose from.
  - From the moment that a name was added, commits wait. M(pgdr.barman.wal_receiver) with O(pgdr.barman.wal_receiver#module:synchronous) has to
    follow at once, because Barman runs a receiver in synchronous mode only where it found the name there when it started it.
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
      - V(present) - commits wait for O(names), and no longer for other receivers that this module had added.
      - V(absent) - commits no longer wait for what this module had added. What others have written is left.
    type: str
    choices: [present, absent]
    default: present
  names:
    description:
      - The receivers' names, which are Barman's C(streaming_archiver_name). A name begins with V(barman) and has letters, digits and underscores
        only. The module writes it in double quotes, which it would not need, and knows it again by that.
      - Needed with O(state=present). With O(state=absent), only these are taken away; all that were added where it is not given.
    type: list
    elements: str
notes:
  - A name that somebody else has put there by hand is not taken away, unless it was written as this module does.
  - What stands in C(postgresql.conf) is not edited. C(ALTER SYSTEM) overrules it, and is taken back where nothing else is left in it.
seealso:
  - module: pgdr.barman.wal_receiver
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Have commits wait for Barman
  pgdr.barman.synchronous_standby:
    names: [barman_receive_wal]
  become: true

- name: Have the receiver run in synchronous mode, and see that it does
  pgdr.barman.wal_receiver:
    servers: [pg-eu]
    synchronous: true
  become: true
  delegate_to: backup-eu

- name: Have commits wait for Barman no longer
  pgdr.barman.synchronous_standby:
    state: absent
  become: true
"""

RETURN = r"""
synchronous_standby_names:
  description: The setting, as it is or would be.
  returned: success
  type: str
  sample: FIRST 1 ("barman_receive_wal")
added:
  description: The names that were added, or would be.
  returned: success
  type: list
  elements: str
  sample: [barman_receive_wal]
removed:
  description: The names that were taken away, or would be.
  returned: success
  type: list
  elements: str
  sample: []
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import connect, require_psycopg
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.login import login_argument_spec, login_conninfo
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.standby_names import OUR_NAME
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.synchronous import configure


def argument_spec() -> dict[str, Any]:
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "names": {"type": "list", "elements": "str"},
        **login_argument_spec(),
    }


def main() -> None:
    module = AnsibleModule(argument_spec(), required_if=[("state", "present", ("names",))], supports_check_mode=True)
    params = module.params
    wrong = [name for name in params["names"] or () if not OUR_NAME.fullmatch(name)]
    if wrong:
        module.fail_json(
            msg="names: %s: a name begins with barman, and has letters, digits and underscores only"
            % ", ".join(repr(name) for name in wrong)
        )
    require_psycopg(module)
    present = params["state"] == "present"
    try:
        session = connect(login_conninfo(params), params["user"])
        try:
            result = configure(
                session,
                params["names"] if present else [],
                None if present else params["names"],
                module.check_mode,
            )
        finally:
            session.close()
    except HostError as exc:
        module.fail_json(msg=str(exc))
    if not module._diff:
        result.pop("diff")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
