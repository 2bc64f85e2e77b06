# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host is, as one JSON object: files with owner, mode and digest, users, and what its PostgreSQL server has."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess

ROOTS = (
    "/etc",
    "/home",
    "/root",
    "/usr/local",
    "/var/spool/cron",
    "/var/lib/barman",
    "/var/lib/postgresql",
    "/var/lib/pgdr.barman",
    "/srv",
)
#: What PostgreSQL writes while it runs, what Ansible leaves, and what the installation of any package writes.
IGNORED = (
    "/var/lib/postgresql/17/main",
    "/root/.ansible",
    "/root/.ansible_async",
    "/root/.cache",
    "/etc/ld.so.cache",
    "/etc/resolv.conf",
)
QUERIES = {
    "settings": "SELECT name, setting FROM pg_catalog.pg_file_settings ORDER BY seqno",
    "running": "SELECT name, setting FROM pg_catalog.pg_settings WHERE source NOT IN ('client', 'override') AND name <> 'application_name' ORDER BY name",
    "roles": "SELECT rolname, rolsuper, rolreplication FROM pg_catalog.pg_roles ORDER BY rolname",
    "slots": "SELECT slot_name FROM pg_catalog.pg_replication_slots ORDER BY slot_name",
    "rights": "SELECT proname, proacl FROM pg_catalog.pg_proc WHERE proacl IS NOT NULL ORDER BY oid",
    "members": "SELECT roleid::regrole, member::regrole FROM pg_catalog.pg_auth_members ORDER BY 1, 2",
}


def files() -> dict[str, str]:
    found = {}
    for root in ROOTS:
        for directory, names, files in os.walk(root):
            names[:] = [name for name in names if os.path.join(directory, name) not in IGNORED]
            for path in (directory, *(os.path.join(directory, name) for name in files)):
                if path in IGNORED or not os.path.lexists(path):
                    continue
                status = os.lstat(path)
                text = f"{status.st_mode:o} {status.st_uid}:{status.st_gid}"
                if os.path.islink(path):
                    text += " " + os.readlink(path)
                elif os.path.isfile(path):
                    with open(path, "rb") as stream:
                        text += " " + hashlib.sha256(stream.read()).hexdigest()
                found[path] = text
    return found


def postgres() -> dict[str, str]:
    if not os.path.exists("/usr/bin/psql"):
        return {}
    found = {}
    for name, query in QUERIES.items():
        command = ["runuser", "-u", "postgres", "--", "psql", "-XAtq", "-d", "postgres", "-c", query]
        answer = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
        if answer.returncode == 0:
            found.update({f"{name}: {line}": "" for line in answer.stdout.splitlines()})
    return found


print(json.dumps({**files(), **postgres()}))
