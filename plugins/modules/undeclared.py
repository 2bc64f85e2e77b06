# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: undeclared
short_description: Name what hosts have and the inventory does not declare
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Collects what the hosts of the run have and the inventory does not declare, with what to do. These are entries of Barman, rules in C(pg_hba.conf),
    lines in C(authorized_keys), archiving, and replication slots.
  - Nothing of it is removed, because an inventory source of this run may hide a host that still exists.
  - Runs on the controller and connects to nothing. Run it once, with C(run_once). It reads C(barman_entries), C(barman_postgres) and C(barman_ssh_trust) of
    the hosts, which the roles register.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
attributes:
  platform:
    support: full
options: {}
seealso:
  - module: pgdr.barman.handover
"""

EXAMPLES = r"""
- name: Find undeclared configuration
  pgdr.barman.undeclared:
  run_once: true
  register: undeclared
"""

RETURN = r"""
messages:
  description: By host, a sentence for each. Hosts without any are not in it.
  returned: success
  type: dict
  sample: {}
"""
