# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every module needs that connects to PostgreSQL as Barman does. Private to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options: {}
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
notes:
  - The module connects to PostgreSQL with the connection strings in Barman's configuration, as Barman's user. That user's C(.pgpass) and certificates
    apply, even if the module runs as root.
"""
