# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: require_unchanged
short_description: Fail if the confirmed values have changed
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Compares two values of the same kind, such as the results of M(pgdr.barman.recover) in check mode before and after a confirmation. It fails with
    every difference.
  - Runs on the controller and connects to no host.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  before:
    description: The confirmed values.
    type: dict
    required: true
  after:
    description: The present values.
    type: dict
    required: true
  names:
    description: The names of the keys to compare. A missing key counts as V(null).
    type: list
    elements: str
    required: true
  remedy:
    description: A text for the error message, on what to do.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Fail if the recovery differs from the confirmed one
  pgdr.barman.require_unchanged:
    before: "{{ shown.recovery }}"
    after: "{{ again.recovery }}"
    names: [backup_id, system_identifier, timeline, target]
    remedy: Run it again, and confirm what it shows then.
"""

RETURN = r"""
changed_names:
  description: The names of the keys whose values differ.
  returned: failure
  type: list
  elements: str
  sample: [backup_id]
"""
