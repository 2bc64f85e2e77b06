# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: synchronous_receivers
short_description: Name the synchronous receivers that this run found healthy
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Names the synchronous receivers that this run did not find healthy, and those of which no check showed that commits wait for them.
  - Runs on the controller and connects to nothing. It reads C(barman_operation) of the backup servers, which role P(pgdr.barman.backup#role) registers.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options:
  receivers:
    description: The receivers, as C(synchronous) in C(postgres) of the host in RV(pgdr.barman.topology#module:requirements).
    type: list
    elements: dict
    required: true
"""

EXAMPLES = r"""
- name: Gather the state of the receivers in this run
  pgdr.barman.synchronous_receivers:
    receivers: "{{ architecture.requirements[inventory_hostname].postgres.synchronous }}"
  register: receivers
"""

RETURN = r"""
unknown:
  description: The receivers that this run did not check, or did not find healthy.
  returned: success
  type: list
  elements: dict
  sample: []
unconfirmed:
  description: The receivers of which no check showed that commits wait for them.
  returned: success
  type: list
  elements: dict
  sample: [{name: barman_receive_wal, server: pg-eu, backup_server: backup-eu}]
"""
