#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_placement
short_description: Report what a host shares with other hosts, and measure its network paths
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Returns the id of the running kernel, the hypervisor if Hyper-V reports it, the file systems and disks of directories, and the fingerprints of public
    SSH keys. Two hosts with the same value share a machine, a disk, an export or a key.
  - On a PostgreSQL host, returns the size of the databases, the growth of WAL, and two settings.
  - On a backup server, measures the round-trip time and the throughput to other hosts. The module uses the ports and connections that Barman itself uses, so no
    further port has to be open, and no further privilege is needed.
  - The module changes nothing. It works before the first deployment. A value that can't be measured is V(null), and RV(reasons) or RV(links.reason) contains
    the reason.
options:
  paths:
    description:
      - The directories whose file systems are returned. A directory that does not exist yet counts as a part of its parent directory.
    type: list
    elements: path
    default: []
  ssh_users:
    description:
      - The operating system users whose public keys C(~/.ssh/id_*.pub) are read.
    type: list
    elements: str
    default: []
  postgres:
    description:
      - The PostgreSQL server of this host to query, through its socket. If it is not set, RV(database) is V(null).
    type: dict
    suboptions:
      port:
        description: The port of the server on this host.
        type: int
        required: true
      socket_directory:
        description: The directory of the server's socket. It selects one server if several listen on the same port.
        type: path
      login_user:
        description: The database user that queries the server. It must be a superuser.
        type: str
        default: postgres
  links:
    description:
      - The hosts to which network paths are measured.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: The name of the other host in RV(links).
        type: str
        required: true
      address:
        description: The address to connect to. If it is empty, the round-trip time is not measured.
        type: str
        default: ""
      port:
        description: The TCP port to connect to. The module closes each connection without sending anything.
        type: int
        required: true
      server:
        description: Barman's name of a server whose connection measures the throughput.
        type: str
        required: true
      kind:
        description:
          - V(postgres) reads rows that PostgreSQL makes in memory (C(COPY) of a C(SELECT) without a table) over the C(conninfo) of the server.
          - V(ssh) reads from C(/dev/urandom) of the source over the C(primary_ssh_command) of a passive copy.
        type: str
        choices: [postgres, ssh]
        default: postgres
  seconds:
    description:
      - The number of seconds that the measurement of the throughput of each link may take, and that WAL is measured for.
    type: float
    default: 2
  bytes:
    description:
      - The most bytes that the measurement of the throughput of each link reads. With V(0), the throughput is not measured.
    type: int
    default: 67108864
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._attributes.info
  - pgdr.barman._attributes.actiongroup
  - pgdr.barman._barman
seealso:
  - module: pgdr.barman.preflight_report
"""

EXAMPLES = r"""
- name: Read the placement of a PostgreSQL host
  pgdr.barman.host_placement:
    ssh_users: [postgres]
    postgres: {port: 5432}
  become: true
  register: placement

- name: Measure the network paths of a backup server
  pgdr.barman.host_placement:
    paths: [/var/lib/barman]
    links:
      - {host: pg-eu, address: 198.51.100.21, port: 5432, server: pg-eu}
  become: true
"""

RETURN = r"""
machine:
  description: The machine of the host.
  returned: success
  type: dict
  contains:
    kernel:
      description:
        - The boot id of the running kernel. All containers on a kernel share it. A copied virtual machine has another.
        - In a container of systemd-nspawn, when the kernel started, its memory, and the UUID of the machine.
      type: str
      sample: 0f4c7f9e-4f0c-4d1f-9d55-2a0a3b0c6a11
    hypervisor:
      description: The physical host, if Hyper-V reports it. Otherwise empty.
      type: str
      sample: ""
file_systems:
  description:
    - The file systems by directory, those of O(paths) and of the data directory.
    - C(kind) is the type of the file system, C(device) its major and minor number, and C(size) its bytes. C(address) is the server's of a network file system.
    - C(disks) are the disks below it. A name that begins with C(wwn) is unique in the world, others are on one machine only.
      V(null) if the disks can't be listed.
  returned: success
  type: dict
  sample:
    /var/lib/barman:
      mountpoint: /var/lib/barman
      kind: ext4
      source: /dev/sdb1
      address: ""
      device: "8:17"
      disks: [sdb]
      size: 4398046511104
ssh_keys:
  description: The SHA-256 fingerprints of the public keys, by user.
  returned: success
  type: dict
  sample: {barman: ["SHA256:pz8v0oYAVbFkLQOq2DGRvgxsH3a5CkIbIHFmVlFLC5U"]}
database:
  description:
    - The PostgreSQL server with its C(data_directory), the C(size) of all databases, and the growth of WAL in bytes a second (C(wal_rate)).
    - C(wal_rate_source) is V(pg_stat_wal) or V(measured). C(slot_limit) is C(max_slot_wal_keep_size) in bytes, V(-1) without a limit.
    - V(null) without O(postgres), or if the server can't be queried.
  returned: success
  type: dict
  sample:
    data_directory: /var/lib/postgresql/17/main
    size: 107374182400
    wal_rate: 51200.0
    wal_rate_source: pg_stat_wal
    checksums: true
    slot_limit: -1
links:
  description: The network paths by host.
  returned: success
  type: dict
  contains:
    rtt:
      description: The shortest of five round-trip times, in seconds. V(null) if the host does not answer.
      type: float
      sample: 0.000412
    throughput:
      description: The bytes a second that arrive. V(null) if the throughput was not measured.
      type: int
      sample: 117440512
    reason:
      description: Why the throughput was not measured. Empty if it was.
      type: str
      sample: ""
  sample:
    pg-eu: {rtt: 0.000412, throughput: 117440512, reason: ""}
barman_configured:
  description: Whether Barman's configuration can be read. V(false) before the first deployment, and on a PostgreSQL host.
  returned: success
  type: bool
  sample: true
reasons:
  description: Why C(database), C(barman) or a part of C(file_systems) is not known.
  returned: success
  type: dict
  sample: {}
"""

from typing import Any

from ..module_utils._barman.arguments import barman_argument_spec
from ..module_utils._module import run_module
from ..module_utils._placement.run import show_placement

POSTGRES: dict[str, Any] = {
    "port": {"type": "int", "required": True},
    "socket_directory": {"type": "path"},
    "login_user": {"type": "str", "default": "postgres"},
}
LINK: dict[str, Any] = {
    "host": {"type": "str", "required": True},
    "address": {"type": "str", "default": ""},
    "port": {"type": "int", "required": True},
    "server": {"type": "str", "required": True},
    "kind": {"type": "str", "choices": ["postgres", "ssh"], "default": "postgres"},
}
ARGUMENTS: dict[str, Any] = {
    **barman_argument_spec(),
    "paths": {"type": "list", "elements": "path", "default": []},
    "ssh_users": {"type": "list", "elements": "str", "default": []},
    "postgres": {"type": "dict", "options": POSTGRES},
    "links": {"type": "list", "elements": "dict", "options": LINK, "default": []},
    "seconds": {"type": "float", "default": 2},
    "bytes": {"type": "int", "default": 67108864},
}


def main() -> None:
    run_module(ARGUMENTS, show_placement)


if __name__ == "__main__":
    main()
