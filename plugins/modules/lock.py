#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: lock
short_description: Lock a server or a data directory for a whole playbook run
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Locks resources of a host for a run of C(ansible-playbook), across its tasks. The playbook C(pgdr.barman.recover) locks Barman's server on the
    backup server and the data directory on the PostgreSQL host.
  - If another run holds one of O(resources), the module fails immediately, names the holder, and changes nothing.
  - The lock contains the process of C(ansible-playbook). If the holder's process ran on the same controller and has ended, its lock is void. The
    module removes it, and the new run gets the lock.
  - If the holder ran on another controller, in another container, or before a reboot of a container's host, nobody can find out its state. The lock
    then stays until O(take_over) contains the run.
  - A lock is a file in C(/etc/ansible/facts.d). It survives a killed run and a reboot, and every playbook that gathers local facts reads it.
    M(pgdr.barman.require_unlocked) fails if there is one.
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
    details:
      - In check mode O(state=held) fails like a normal run, and takes no lock.
  diff_mode:
    support: none
  idempotent:
    support: full
options:
  state:
    description:
      - With V(held), the run holds a lock on O(resources).
      - With V(released), the run holds no lock on this host.
    type: str
    choices: [held, released]
    default: held
  run:
    description:
      - The id of the run, of letters, digits and hyphens. A playbook chooses it once.
    type: str
    required: true
  purpose:
    description:
      - What the run does, for the message to other runs.
    type: str
    default: a playbook run
  resources:
    description:
      - The resources to lock, such as V(server pg-eu) or V(data directory /var/lib/postgresql/17/main). Required with O(state=held).
    type: list
    elements: str
  take_over:
    description:
      - Ids of runs that have ended although the module can't find that out. The module removes their locks.
      - If such a run is still in progress, its next task with V(held) fails.
    type: list
    elements: str
    default: []
  controller:
    description:
      - The process of C(ansible-playbook). The module's action plugin sets it.
    type: dict
seealso:
  - module: pgdr.barman.require_unlocked
"""

EXAMPLES = r"""
- name: Lock the server
  pgdr.barman.lock:
    run: 20261120T083000Z-f3a9c1
    purpose: recovery of pg-eu
    resources: [server pg-eu]
  become: true
  delegate_to: backup-eu

- name: Release the lock
  pgdr.barman.lock:
    run: 20261120T083000Z-f3a9c1
    state: released
  become: true
  delegate_to: backup-eu
"""

RETURN = r"""
runs:
  description: The ids of all runs that hold a lock on this host, including this run.
  returned: success
  type: list
  elements: str
  sample: [20261120T083000Z-f3a9c1]
removed:
  description: The ids of the runs whose void locks the module removed, or would remove in check mode.
  returned: success
  type: list
  elements: str
  sample: []
holders:
  description: The locks of other runs that caused the failure, each with C(run), C(purpose), C(since), C(resources) and C(controller).
  returned: failure
  type: list
  elements: dict
"""

from typing import Any

from ..module_utils._host.run_lock import set_lock
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["held", "released"], "default": "held"},
    "run": {"type": "str", "required": True},
    "purpose": {"type": "str", "default": "a playbook run"},
    "resources": {"type": "list", "elements": "str"},
    "take_over": {"type": "list", "elements": "str", "default": []},
    "controller": {"type": "dict"},
}


def main() -> None:
    run_module(ARGUMENTS, set_lock, required_if=[("state", "held", ("resources",))])


if __name__ == "__main__":
    main()
