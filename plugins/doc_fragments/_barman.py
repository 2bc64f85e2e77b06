# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of every module that runs Barman. Private to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  barman_user:
    description:
      - The operating system user that Barman runs as.
      - Run the module as this user or as root. As root, it switches to this user for every command.
    type: str
    default: barman
  config_file:
    description:
      - The path of Barman's main configuration file.
      - If it is not set, Barman searches for the file itself, in C(/etc/barman.conf) first.
    type: path
requirements:
  - Barman 3.4 or later on the managed host
"""
