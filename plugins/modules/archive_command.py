#!/usr/bin/python
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: archive_command
short_description: Have PostgreSQL archive its WAL to a Barman server
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Runs on the PostgreSQL host and sets C(archive_mode), C(archive_command) and, where it is asked for, C(archive_timeout), with
    C(ALTER SYSTEM).
  - Before anything is changed, the way to Barman is tried by SSH as PostgreSQL's user, with a transfer of nothing. Afterwards a WAL segment is
    closed and followed until PostgreSQL's archiver has handed it to Barman.
  - Where it does not arrive, the error says where it stopped - the host key, the key that is not let in, a program that is missing, a server
    that Barman does not know, a full disk.
  - If C(barman-wal-archive) is 3.12 or later and Barman on the backup server is older, the command has C(--md5), because that Barman does not know SHA256
    sums. The module finds out by what Barman takes, so no version has to be given.
  - An C(archive_command) or C(archive_library) that somebody else has set is never overwritten, unless O(overwrite) says so. The module knows its
    own by a comment at the end.
  - Nothing is restarted. Where C(archive_mode) was off, RV(restart_required) is true, and the module is run again after the restart, so that
    it can have a segment archived.
extends_documentation_fragment:
  - pgdr.barman._attributes
  - pgdr.barman._login
attributes:
  check_mode:
    support: full
    details:
      - The way to Barman is not tried in check mode, because what it needs may not have been done really.
  diff_mode:
    support: full
  idempotent:
    support: full
    details:
      - Where the archiver's last attempt failed, or it has never archived anything, a segment is closed and followed again.
requirements:
  - psycopg 3.1 or later on the managed host (Debian package C(python3-psycopg))
  - C(barman-wal-archive) (package C(barman-cli)) or C(rsync)
options:
  state:
    description:
      - V(present) - WAL is archived to O(host).
      - V(absent) - nothing is archived, and nothing fails. C(archive_mode) is left as it is, because turning it off takes a restart. As long as
        it is on, C(archive_command) becomes a command that does nothing and succeeds, since PostgreSQL would keep all WAL for ever with an empty
        one.
    type: str
    choices: [present, absent]
    default: present
  server:
    description:
      - Barman's name for the server. Needed with O(state=present).
    type: str
  host:
    description:
      - The address of the backup server, as this host reaches it by SSH. Needed with O(state=present).
    type: str
  port:
    description:
      - The port of its SSH server.
    type: int
    default: 22
  remote_user:
    description:
      - The user that Barman runs as there.
    type: str
    default: barman
  method:
    description:
      - V(barman-wal-archive) - Barman takes the file itself, checks its checksum, and has it on disk before it says so.
      - V(rsync) - the file is copied into O(incoming_directory). It needs no Barman package on this host, but the key must be let in for more than
        one command, and the file may not be on the backup server's disk yet when PostgreSQL removes its own.
    type: str
    choices: [barman-wal-archive, rsync]
    default: barman-wal-archive
  incoming_directory:
    description:
      - Barman's C(incoming_wals_directory) of the server. Needed with O(method=rsync).
    type: path
  compression:
    description:
      - How WAL is compressed on this host before it is sent.
      - C(barman-wal-archive) compresses from Barman 3.14 on, and both sides must have it. The file stays so in the archive.
      - rsync compresses for the way only, with V(gzip), V(zstd) or V(lz4).
    type: str
    choices: [none, gzip, bzip2, xz, snappy, zstd, lz4]
    default: none
  barman_version:
    description:
      - The version of Barman on the backup server, such as V(3.19.1). Needed for O(compression) with C(barman-wal-archive).
    type: str
  archive_mode:
    description:
      - V(always) archives on standbys too. Where C(archive_mode) is V(always) already, it is left so.
    type: str
    choices: ["on", always]
    default: "on"
  archive_timeout:
    description:
      - How many seconds until a segment is closed that is not full yet; V(0) for never. Where it is not given, it is left as it is.
      - What was set here is taken back with O(state=absent).
    type: int
  overwrite:
    description:
      - Overwrite what somebody else has set.
    type: bool
    default: false
  timeout:
    description:
      - How many seconds a segment may take until it is archived. WAL that waits already is archived before it.
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

- name: Restart PostgreSQL where archive_mode was off
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

- name: Archive nothing any more, and fail at nothing
  pgdr.barman.archive_command:
    state: absent
  become: true
"""

RETURN = r"""
archive_command:
  description: The command that is set, or would be.
  returned: success
  type: str
  sample: "barman-wal-archive --user barman 198.51.100.11 pg-eu %p # pgdr.barman"
previous_command:
  description: The command that was set before. Empty where there was none.
  returned: success
  type: str
  sample: ""
restart_required:
  description: Whether PostgreSQL has to be restarted, so that C(archive_mode) takes effect.
  returned: success
  type: bool
  sample: false
segment:
  description: The WAL segment that was archived to prove it. V(null) where that was not necessary, or not possible yet.
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
    - The timeline history file that PostgreSQL was told to archive, because it was promoted before it archived to this place. V(null) if there is none.
  returned: success
  type: str
  sample: 00000002.history
error_kind:
  description:
    - Where it stopped, in one word. V(configuration), V(foreign), V(host_key), V(permission), V(closed), V(ssh), V(not_installed), V(not_configured),
      V(disk_full), V(command), V(timeout) or V(other).
  returned: failure
  type: str
  sample: host_key
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.pgdr.barman.plugins.module_utils._archive_command.archive_command import (
    COMPRESSIONS,
    METHODS,
    Desired,
    Target,
    configure,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError, run
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.connection import connect, require_psycopg
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.login import login_argument_spec, login_conninfo


def argument_spec() -> dict[str, Any]:
    return {
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


def desired(params: dict[str, Any]) -> Desired:
    if params["state"] == "absent":
        return Desired(None, overwrite=params["overwrite"])
    target = Target(
        server=params["server"],
        host=params["host"],
        port=params["port"],
        user=params["remote_user"],
        method=params["method"],
        compression=params["compression"],
        directory=params["incoming_directory"],
    )
    return Desired(target, params["archive_mode"], params["archive_timeout"], params["overwrite"])


def main() -> None:
    module = AnsibleModule(
        argument_spec(),
        required_if=[("state", "present", ("server", "host"))],
        supports_check_mode=True,
    )
    require_psycopg(module)
    params = module.params
    try:
        session = connect(login_conninfo(params), params["user"])
        try:
            result = configure(
                session,
                run,
                params["user"],
                desired(params),
                params["barman_version"],
                params["timeout"],
                module.check_mode,
            )
        finally:
            session.close()
    except HostError as exc:
        kind = getattr(exc, "kind", None) or getattr(getattr(exc, "diagnosis", None), "kind", "other")
        module.fail_json(msg=str(exc), error_kind=kind)
    if not module._diff:
        result.pop("diff")
    module.exit_json(**result)


if __name__ == "__main__":
    main()
