#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
short_description: Gather facts about the PostgreSQL server that listens on a port
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host as root, and finds the server that listens on O(port). It returns the server's data directory, systemd unit, cluster
    name, socket and system identifier.
  - The module finds a running server by its processes and C(postmaster.pid). It finds a stopped server with C(pg_lsclusters) or by the systemd unit
    that starts it.
  - The module compares the other declared options with that server, and fails with every difference. This prevents a restart, stop or replacement of
    another server.
  - The module ignores a server that has a private socket directory and no network address. M(pgdr.barman.verify_recovery) starts servers like that.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
options:
  port:
    description:
      - The TCP port that identifies the server.
    type: int
    required: true
  version:
    description:
      - The expected major version. If it is not set, the module accepts any version.
    type: int
  cluster:
    description:
      - The expected cluster name, on a host with C(pg_lsclusters). If it is not set, the module accepts any name.
    type: str
  service:
    description:
      - The systemd unit that is expected to run the server. An alias of that unit is accepted. If it is not set, the module accepts any unit.
    type: str
  data_directory:
    description:
      - The expected data directory. If it is not set, the module accepts any directory.
    type: path
  socket_directory:
    description:
      - The directory of the server's socket. It selects one server if several listen on the same port.
    type: path
  login_user:
    description:
      - The database user that queries O(pending_restart). It must be a superuser.
    type: str
    default: postgres
  pending_restart:
    description:
      - Whether to return the settings that wait for a restart, in RV(pending_restart). The server must be running.
    type: bool
    default: false
  refuse_managed:
    description:
      - Whether the module fails if a running cluster manager owns the server. The error contains the steps of a recovery with that manager.
      - The module recognizes Patroni and repmgrd by their processes, their systemd units and their configuration files, and Patroni also by the
        arguments of the postmaster. Files in the data directory prove nothing, because a restored copy also contains them.
    type: bool
    default: false
  system_identifier:
    description:
      - The system identifier of the data that is about to replace this server's data.
      - The module fails if the data directory contains data of another system. It also fails if the directory is not empty and its
        C(global/pg_control) can't be read.
      - If it is not set, the module does not compare.
    type: str
  replace_system:
    description:
      - With O(system_identifier), the other system identifier whose data may be replaced. V(unknown) allows data without a readable
        C(global/pg_control).
      - If it is not set, the module allows no data of another system.
    type: str
  directories:
    description:
      - Directories that the caller is about to move or fill. The module fails if another running server uses one of them.
    type: list
    elements: path
    default: []
  tablespaces:
    description:
      - Locations of tablespaces that the caller is about to move or fill. The module fails if another running server uses one of them.
      - Servers of several versions can share a location, so only the directory of O(version) in it counts.
    type: list
    elements: path
    default: []
seealso:
  - module: pgdr.barman.recover
"""

EXAMPLES = r"""
- name: Find the server on port 5433
  pgdr.barman.cluster_info:
    port: 5433
    version: 17
  become: true
  register: found

- name: Restart the server
  ansible.builtin.systemd_service:
    name: "{{ found.cluster.service }}"
    state: restarted
  become: true

- name: Check that no setting waits for a restart
  pgdr.barman.cluster_info:
    port: 5433
    pending_restart: true
  become: true
  register: restarted
  failed_when: restarted is failed or restarted.pending_restart | length > 0
"""

RETURN = r"""
cluster:
  description: The server that listens on the port.
  returned: success
  type: dict
  contains:
    port:
      description: The port of the server.
      type: int
      sample: 5433
    running:
      description: Whether the server is running.
      type: bool
      sample: true
    pid:
      description: The process id of the server. V(null) if it is not running.
      type: int
      sample: 4711
    version:
      description: The major version of the server. V(null) if it is not running and its data directory does not exist.
      type: int
      sample: 17
    cluster:
      description: The cluster name. V(null) without C(pg_lsclusters).
      type: str
      sample: prod
    service:
      description: The systemd unit that runs the server, or would start it.
      type: str
      sample: postgresql@17-prod.service
    data_directory:
      description: The data directory, with symbolic links resolved.
      type: str
      sample: /var/lib/postgresql/17/prod
    socket_directory:
      description: The directory of the server's socket.
      type: str
      sample: /var/run/postgresql
    config_file:
      description: The path of C(postgresql.conf).
      type: str
      sample: /etc/postgresql/17/prod/postgresql.conf
    hba_file:
      description: The path of C(pg_hba.conf). V(null) if the module can't read the server's configuration.
      type: str
      sample: /etc/postgresql/17/prod/pg_hba.conf
    owner:
      description: The operating system user that the server runs as. V(null) if it is not running.
      type: str
      sample: postgres
    bin_directory:
      description: The directory of the server's programs. V(null) if it is not running.
      type: str
      sample: /usr/lib/postgresql/17/bin
    tablespaces:
      description: The locations of the tablespaces, with symbolic links resolved.
      type: list
      elements: str
      sample: [/srv/ts]
    empty:
      description: Whether the data directory is empty or does not exist.
      type: bool
      sample: false
    system_identifier:
      description: The system identifier in the control file. V(null) if there is no readable control file.
      type: str
      sample: "7710177296737963100"
    timeline:
      description: The timeline of the last checkpoint.
      type: int
      sample: 1
    manager:
      description:
        - The running cluster manager that owns the server. V(null) if there is none.
        - RV(cluster.manager.certain) is V(false) if the module can't read which data directory the manager has.
      type: dict
      contains:
        kind:
          description: V(patroni) or V(repmgr).
          type: str
          sample: patroni
        evidence:
          description: The process or the systemd unit that proves it.
          type: str
          sample: process 812
        configuration:
          description: The configuration file of the manager. V(null) if it is not known.
          type: str
          sample: /etc/patroni/17-main.yml
        cluster:
          description: The name of the cluster (Patroni's scope). V(null) if it is not known.
          type: str
          sample: 17-main
        certain:
          description: Whether the data directory of the manager is known.
          type: bool
          sample: true
pending_restart:
  description:
    - The settings that wait for a restart. Each has C(name), C(setting), its C(pending) value, and the C(file) and C(line) that set it.
  returned: if O(pending_restart=true)
  type: list
  elements: dict
  sample: [{name: max_wal_senders, setting: "3", pending: "10", file: /var/lib/postgresql/17/prod/postgresql.auto.conf, line: 3}]
directories_in_use:
  description: The data directories and tablespace directories that any running PostgreSQL server of this host uses.
  returned: success
  type: list
  elements: str
  sample: [/srv/ts/PG_17_202406281, /var/lib/postgresql/17/main, /var/lib/postgresql/17/prod]
"""

from typing import Any

from ..module_utils._cluster_info.run import show_cluster
from ..module_utils._module import run_module

ARGUMENTS: dict[str, Any] = {
    "port": {"type": "int", "required": True},
    "version": {"type": "int"},
    "cluster": {"type": "str"},
    "service": {"type": "str"},
    "data_directory": {"type": "path"},
    "socket_directory": {"type": "path"},
    "login_user": {"type": "str", "default": "postgres"},
    "pending_restart": {"type": "bool", "default": False},
    "refuse_managed": {"type": "bool", "default": False},
    "system_identifier": {"type": "str"},
    "replace_system": {"type": "str"},
    "directories": {"type": "list", "elements": "path", "default": []},
    "tablespaces": {"type": "list", "elements": "path", "default": []},
}


def main() -> None:
    run_module(ARGUMENTS, show_cluster)


if __name__ == "__main__":
    main()
