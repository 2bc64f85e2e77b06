# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: require_unlocked
short_description: Fail if another playbook run has locked a host of the play
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reads the locks of M(pgdr.barman.lock) in the local facts of all hosts of the play. It fails if a run holds a lock and may still be in progress.
  - Runs on the controller and connects to no host. Gather facts with the subset C(local) before it, and run it once, with C(run_once).
  - A lock is void if its run started on the same controller and has ended. In that case the module only warns.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  take_over:
    description:
      - Ids of runs that have ended although this controller can't find that out.
    type: list
    elements: str
    default: []
seealso:
  - module: pgdr.barman.lock
"""

EXAMPLES = r"""
- name: Gather the locks
  ansible.builtin.setup:
    gather_subset: ["!all", "!min", local]
  become: true

- name: Fail if a recovery is in progress
  pgdr.barman.require_unlocked:
  run_once: true
"""

RETURN = r"""
void:
  description: The ids of the runs that hold a lock and have ended.
  returned: success
  type: list
  elements: str
  sample: []
"""
