# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the modules on a PostgreSQL host connect to it. Private to the collection."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  user:
    description:
      - The operating system user that PostgreSQL runs as.
      - Run the module as this user or as root. As root, it switches to this user.
    type: str
    default: postgres
  login_user:
    description:
      - The database user to connect as. It must be a superuser.
    type: str
    default: postgres
  login_port:
    description:
      - The port that PostgreSQL listens on.
    type: int
    default: 5432
  login_unix_socket:
    description:
      - The directory of PostgreSQL's Unix socket.
      - If it is empty or not set, libpq's default applies.
    type: path
  login_db:
    description:
      - The name of the database to connect to.
    type: str
    default: postgres
"""
