#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: existing_barman
short_description: Describe an existing Barman, whoever configured it
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Reads Barman's configuration files, its catalogs, the lines of cron and the timers that take backups, and the places of the passwords.
  - Queries each PostgreSQL server over Barman's own connection, all at the same time.
  - M(pgdr.barman.adopted_inventory) makes an inventory of the result.
  - The result contains no password. It contains the names of options that may contain one, and not their values.
  - The module runs Barman for its version only.
options:
  query_postgresql:
    description:
      - Whether the module queries PostgreSQL. Without an answer, archiving, synchronous commit and the addresses of connections are unknown.
      - If psycopg 3 is missing, the module does not query, and returns the reason.
    type: bool
    default: true
  timeout:
    description: The number of seconds that all PostgreSQL servers together have to answer.
    type: float
    default: 10
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.INFO
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
seealso:
  - module: pgdr.barman.adopted_inventory
  - module: pgdr.barman.server_info
"""

EXAMPLES = r"""
- name: Read the existing Barman
  pgdr.barman.existing_barman:
  become: true
  register: existing

- name: Show the lines of cron that take backups
  ansible.builtin.debug:
    msg: "{{ existing.barman.schedules | map(attribute='text') }}"

- name: Read files only
  pgdr.barman.existing_barman:
    query_postgresql: false
  become: true
"""

RETURN = r"""
barman:
  description: The existing Barman.
  returned: success
  type: dict
  contains:
    version:
      description: The installed version. V(null) if Barman did not report it.
      type: str
      sample: "3.13.3"
    config_file:
      description: The path of the main configuration file.
      type: str
      sample: /etc/barman.conf
    user:
      description: The user that Barman runs as, by its configuration.
      type: str
      sample: barman
    home:
      description: Barman's home directory.
      type: str
      sample: /var/lib/barman
    global_options:
      description: The options of the C([barman]) section.
      type: dict
      sample: {barman_user: barman, compression: gzip}
    secret_global_options:
      description: The names of further options there whose values may contain a secret.
      type: list
      elements: str
      sample: []
    models:
      description: The configuration models, each with C(name) and C(cluster).
      type: list
      elements: dict
      sample: []
    servers:
      description:
        - The entries by Barman's names, each with C(name), C(file), C(in_main_file), and C(ours) if M(pgdr.barman.server) wrote it.
        - C(options) contains the options that differ from the C([barman]) section, C(effective_options) all. C(secret_options) contains names only.
        - C(connections) contains the parameters of each connection string without passwords. C(passwords) contains where each password is, either the
          name of the option, or the number of the line in C(.pgpass). V(null) means nowhere.
        - C(inventory_host), C(active_model), C(automatic_options), C(backups), C(increments), C(postgresql_version) and C(filled_directories) describe
          the entry's file, its model, Barman's own changes, and the backups.
      type: dict
      sample: {}
    schedules:
      description:
        - The lines that take backups, each with C(file), C(text), C(servers), C(incremental), and C(ours) if this collection wrote it.
        - If the line may have a secret, C(text) has C(barman backup) only, and why.
        - C(when) is an expression of cron. V(null) if it can't be one.
      type: list
      elements: dict
      sample:
        - file: /etc/cron.d/barman
          text: 0 4 * * * barman /usr/bin/barman backup orders
          servers: [orders]
          when: 0 4 * * *
          incremental: null
          ours: false
    foreign_keys:
      description: The comments of the keys in C(authorized_keys) of Barman's user that this collection did not write.
      type: list
      elements: str
      sample: [postgres@db1]
    password_file_problem:
      description: Why C(.pgpass) can't be read. V(null) if it can.
      type: str
      sample: null
    postgresql:
      description: PostgreSQL's answers by Barman's names, each with C(error), or with settings, roles and slots that matter for backups.
      type: dict
      sample: {}
    postgresql_problem:
      description: Why no PostgreSQL server was queried. V(null) if they were.
      type: str
      sample: null
"""

from typing import Any

from ..module_utils._adoption.run import describe_existing
from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "query_postgresql": {"type": "bool", "default": True},
    "timeout": {"type": "float", "default": 10},
}


def main() -> None:
    run_module(ARGUMENTS, describe_existing)


if __name__ == "__main__":
    main()
