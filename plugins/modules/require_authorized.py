# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: require_authorized
short_description: Fail if SSH could not be authorized for a recovery
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Fails with the reason if a host of the recovery has set the fact C(barman_unauthorized) in this run. The playbook C(pgdr.barman.recover) sets it.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  run:
    description: The id of the recovery. A fact of another run does not count.
    type: str
    required: true
  source:
    description: The inventory name of the backup server that has the backup.
    type: str
    required: true
  target:
    description: The inventory name of the host to recover to.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Fail if SSH could not be authorized
  pgdr.barman.require_authorized:
    run: "{{ barman_recovery.run }}"
    source: "{{ barman_recovery.source }}"
    target: "{{ barman_recovery.target }}"
"""

RETURN = r"""
reasons:
  description: Why SSH could not be authorized, each reason once.
  returned: failure
  type: list
  elements: str
  sample: ["pg-eu: the directory /var/lib/postgresql/.ssh can't be created"]
"""
