#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: archive_command
short_description: Configure PostgreSQL to archive WAL to a Barman server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host and sets C(archive_mode), C(archive_command) and, if requested, C(archive_timeout) with C(ALTER SYSTEM).
  - Before the change, the module tests the SSH connection to Barman as PostgreSQL's user, with an empty transfer.
  - After the change, it closes a WAL segment and waits until PostgreSQL's archiver has delivered that segment to Barman.
  - If the segment does not arrive, the error names the cause. Examples are an unknown host key, an unauthorized key, a missing program, a server that
    Barman does not know, and a full disk.
  - If C(barman-wal-archive) is 3.12 or later and Barman on the backup server is older, the command contains C(--md5). That Barman does not know
    SHA256 sums. The module tests which sums Barman accepts, so it needs no version for that.
  - The module never replaces an C(archive_command) or C(archive_library) of another owner, unless O(overwrite=true). It recognizes its own command by
    a comment at the end.
  - The module restarts nothing. If C(archive_mode) was off, RV(restart_required) is true. Run the module again after the restart, so that it can
    archive a segment.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._login
attributes:
  check_mode:
    support: full
    details:
      - In check mode the module does not test the connection to Barman, because the earlier tasks that prepare it may have changed nothing.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - If the archiver's last attempt failed, or the archiver has never archived anything, the module closes a segment and waits for it again.
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
  - C(barman-wal-archive) (package C(barman-cli)) or C(rsync)
options:
  state:
    description:
      - With V(present), PostgreSQL archives its WAL to O(host).
      - With V(absent), PostgreSQL archives nothing, and reports no failure. C(archive_mode) does not change, because that needs a restart.
      - If C(archive_mode) is on, V(absent) sets an C(archive_command) that does nothing and succeeds. With an empty command, PostgreSQL would keep
        all WAL.
    type: str
    choices: [present, absent]
    default: present
  server:
    description:
      - Barman's name of the server. Required with O(state=present).
    type: str
  host:
    description:
      - The address of the backup server for SSH from this host. Required with O(state=present).
    type: str
  port:
    description:
      - The port of the backup server's SSH server.
    type: int
    default: 22
  remote_user:
    description:
      - The operating system user that Barman runs as on the backup server.
    type: str
    default: barman
  method:
    description:
      - With V(barman-wal-archive), Barman receives the file, verifies its checksum, and writes it to disk before it reports success.
      - With V(rsync), PostgreSQL's host copies the file into O(incoming_directory). This host needs no Barman package, but SSH trust must authorize
        more than one command. PostgreSQL may remove its file before the copy is on the backup server's disk.
    type: str
    choices: [barman-wal-archive, rsync]
    default: barman-wal-archive
  incoming_directory:
    description:
      - The server's C(incoming_wals_directory) in Barman, an absolute path on the backup server. Required with O(method=rsync).
    type: path
  compression:
    description:
      - The compression of WAL on this host, before it is sent.
      - C(barman-wal-archive) compresses with Barman 3.14 or later on both hosts. The file stays compressed in the archive.
      - C(rsync) compresses for the transfer only, with V(gzip), V(zstd) or V(lz4).
    type: str
    choices: [none, gzip, bzip2, xz, snappy, zstd, lz4]
    default: none
  barman_version:
    description:
      - The version of Barman on the backup server, such as V(3.19.1). Required for O(compression) with C(barman-wal-archive).
    type: str
  archive_mode:
    description:
      - The value of C(archive_mode). With V(always), standbys archive too.
      - If PostgreSQL runs with V(always) already, V(on) does not change it.
    type: str
    choices: ["on", always]
    default: "on"
  archive_timeout:
    description:
      - The number of seconds after which PostgreSQL closes a segment that is not full. V(0) disables the timeout.
      - If it is not set, PostgreSQL's setting does not change.
      - O(state=absent) resets a timeout that this module set.
    type: int
  overwrite:
    description:
      - Whether to replace an C(archive_command) or C(archive_library) of another owner.
    type: bool
    default: false
  timeout:
    description:
      - The number of seconds to wait until a segment is archived. PostgreSQL archives segments that wait already before it.
    type: int
    default: 120
seealso:
  - module: pgdr.barman.wal_receiver
  - module: pgdr.barman.check
"""

EXAMPLES = r"""
- name: Archive WAL to Barman
  pgdr.barman.archive_command:
    server: pg-eu
    host: 198.51.100.11
    archive_timeout: 300
  become: true
  register: archiving

- name: Restart PostgreSQL if archive_mode was off
  ansible.builtin.systemd_service:
    name: postgresql@17-main
    state: restarted
  become: true
  when: archiving.restart_required

- name: Archive WAL with rsync
  pgdr.barman.archive_command:
    server: pg-eu
    host: 198.51.100.11
    method: rsync
    incoming_directory: /var/lib/barman/pg-eu/incoming
    compression: zstd
  become: true

- name: Stop archiving WAL
  pgdr.barman.archive_command:
    state: absent
  become: true
"""

RETURN = r"""
archive_command:
  description: The value of C(archive_command), or its value after the change in check mode.
  returned: success
  type: str
  sample: "barman-wal-archive --user barman 198.51.100.11 pg-eu %p # pgdr.barman"
previous_command:
  description: The value of C(archive_command) before the change. Empty if there was none.
  returned: success
  type: str
  sample: ""
restart_required:
  description: Whether C(archive_mode) takes effect only after a restart of PostgreSQL.
  returned: success
  type: bool
  sample: false
segment:
  description: The WAL segment that PostgreSQL archived as proof. V(null) if no proof was necessary, or none is possible yet.
  returned: success
  type: str
  sample: "000000010000000000000003"
last_archived:
  description: The last file that PostgreSQL's archiver archived.
  returned: success
  type: str
  sample: "000000010000000000000003"
history:
  description:
    - The timeline history file that PostgreSQL archived at the module's request, because PostgreSQL was promoted before it archived to this server.
      V(null) if there is none.
  returned: success
  type: str
  sample: 00000002.history
error_kind:
  description:
    - The cause of the failure in one word. V(configuration), V(foreign), V(host_key), V(permission), V(closed), V(ssh), V(not_installed),
      V(not_configured), V(disk_full), V(command), V(timeout) or V(other).
  returned: failure
  type: str
  sample: host_key
"""

from typing import Any

from ..module_utils._archive_command.command import COMPRESSIONS, METHODS
from ..module_utils._archive_command.run import set_archive_command
from ..module_utils._module import run_module
from ..module_utils._postgres.login import login_argument_spec

ARGUMENTS: dict[str, Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "server": {"type": "str"},
    "host": {"type": "str"},
    "port": {"type": "int", "default": 22},
    "remote_user": {"type": "str", "default": "barman"},
    "method": {"type": "str", "choices": list(METHODS), "default": "barman-wal-archive"},
    "incoming_directory": {"type": "path"},
    "compression": {"type": "str", "choices": list(COMPRESSIONS), "default": "none"},
    "barman_version": {"type": "str"},
    "archive_mode": {"type": "str", "choices": ["on", "always"], "default": "on"},
    "archive_timeout": {"type": "int"},
    "overwrite": {"type": "bool", "default": False},
    "timeout": {"type": "int", "default": 120},
    **login_argument_spec(),
}


def main() -> None:
    run_module(ARGUMENTS, set_archive_command, required_if=[("state", "present", ("server", "host"))])


if __name__ == "__main__":
    main()
