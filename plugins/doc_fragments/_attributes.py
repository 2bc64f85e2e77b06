# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Attributes of every module. Private to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Runs in C(check_mode), and reports what would change without a change.
  diff_mode:
    description: In diff mode, returns what changed, or what would change in C(check_mode).
  idempotent:
    description: If it runs again with the same options, and nothing else changed in between, it changes nothing.
  platform:
    description: The operating systems that the module supports.
    platforms: posix
    support: full
"""

    ACTIONGROUP = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/pgdr.barman.barman) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - pgdr.barman.barman
"""

    INFO = r"""
options: {}
attributes:
  check_mode:
    support: full
    details:
      - This module changes nothing.
  diff_mode:
    support: N/A
    details:
      - This module changes nothing.
  idempotent:
    support: full
"""
