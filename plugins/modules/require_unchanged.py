# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: require_unchanged
short_description: Fail if what was confirmed is not what is there now
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares two values of the same kind, such as what M(pgdr.barman.recover) returns in check mode before and after a confirmation, and fails with every
    difference.
  - Runs on the controller and connects to nothing.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  before:
    description: What was confirmed.
    type: dict
    required: true
  after:
    description: What is there now.
    type: dict
    required: true
  names:
    description: The keys to compare. A key that is missing is V(null).
    type: list
    elements: str
    required: true
  remedy:
    description: What to do, for the error message.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Fail if the recovery is not the confirmed one
  pgdr.barman.require_unchanged:
    before: "{{ shown.recovery }}"
    after: "{{ again.recovery }}"
    names: [backup_id, system_identifier, timeline, target]
    remedy: Run it again, and confirm what it shows then.
"""

RETURN = r"""
changed_names:
  description: The keys whose values differ.
  returned: failure
  type: list
  elements: str
  sample: [backup_id]
"""
