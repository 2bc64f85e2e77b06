# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backup hosts as other tools and people leave them: files below a directory in place of /, written for these tests."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.pgdr.barman.plugins.module_utils._adoption.observe import SystemFiles, observe
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import password_file
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.questions import Answer, Question

PASSWORD = "n0b0dy-may-read-this"

ANSWER: dict[str, Any] = {
    "version": 150008,
    "in_recovery": False,
    "client_address": "192.0.2.10",
    "archive_mode": "off",
    "archive_command": "",
    "archive_timeout": "0",
    "synchronous_standby_names": "",
    "privileged_roles": None,
    "slot_active": True,
    "inactive_slots": None,
}


@dataclass
class Layout:
    """Files of a host by their absolute path, and PostgreSQL's answers by Barman's names. The directories of backups are made empty."""

    files: Mapping[str, str]
    answers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)


def facts_of(layout: Layout, root: Path, monkeypatch: Any) -> dict[str, Any]:
    """What the module existing_barman returns on that host."""
    for path, text in layout.files.items():
        file = root / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text.replace("/etc/barman.d", f"{root}/etc/barman.d"))
    home = root / "var/lib/barman"
    for name, version in layout.versions.items():
        base = home / name / "base/20261101T000000"
        base.mkdir(parents=True)
        (base / "backup.info").write_text(
            f"backup_id=20261101T000000\nstatus=DONE\nmode=postgres\nserver_name={name}\nversion={version}\n"
        )
    passwords = layout.files.get("/var/lib/barman/.pgpass")
    monkeypatch.setattr(password_file, "observe", lambda user: password_file.PasswordFile("~/.pgpass", user, passwords))

    def ask(questions: Mapping[str, Question], user: str | None, timeout: float) -> dict[str, Answer]:
        silent = HostError("PostgreSQL did not answer")
        return {name: {**ANSWER, **layout.answers[name]} if name in layout.answers else silent for name in questions}

    files = SystemFiles(
        [f"{root}/etc/cron.d/*", f"{root}/var/spool/cron/crontabs/*"], [f"{root}/etc/systemd/system/*.timer"]
    )
    main = root / "etc/barman.conf"
    main.write_text(main.read_text().replace("/var/lib/barman", str(home)))
    found = observe(str(main), "barman", ask=ask, timeout=1, files=files)
    facts: dict[str, Any] = _without_root({"version": "3.13.3", **found}, str(root))
    return facts


def _without_root(value: Any, root: str) -> Any:
    if isinstance(value, str):
        return value.replace(root, "")
    if isinstance(value, dict):
        return {_without_root(key, root): _without_root(item, root) for key, item in value.items()}
    return [_without_root(item, root) for item in value] if isinstance(value, list) else value


DEBIAN_MAIN = """\
; Barman, Backup and Recovery Manager for PostgreSQL
[barman]
; System user
barman_user = barman
configuration_files_directory = /etc/barman.d
barman_home = /var/lib/barman
;barman_lock_directory = /var/run/barman
log_file = /var/log/barman/barman.log
log_level = INFO
"""
PACKAGE_CRON = "* * * * * barman [ -x /usr/bin/barman ] && /usr/bin/barman -q cron\n"

#: Debian's package with its two templates filled in, and a line of cron that a person added.
DEBIAN = Layout(
    {
        "/etc/barman.conf": DEBIAN_MAIN,
        "/etc/barman.d/orders.conf": """\
[orders]
description =  "Orders (Streaming-Only)"
conninfo = host=pg1.example.net user=barman dbname=postgres
streaming_conninfo = host=pg1.example.net user=streaming_barman
backup_method = postgres
streaming_archiver = on
slot_name = barman
;create_slot = auto
""",
        "/etc/barman.d/billing.conf": """\
[billing]
description =  "Billing (via SSH)"
ssh_command = ssh postgres@pg2.example.net
conninfo = host=pg2.example.net user=barman dbname=postgres
backup_method = rsync
reuse_backup = link
backup_options = concurrent_backup
archiver = on
retention_policy = REDUNDANCY 3
minimum_redundancy = 2
path_prefix = "/usr/lib/postgresql/15/bin"
""",
        "/etc/cron.d/barman": PACKAGE_CRON,
        "/etc/cron.d/backups": "MAILTO=dba\n30 1 * * * barman /usr/bin/barman -q backup all\n",
        "/var/lib/barman/.pgpass": (
            f"pg1.example.net:5432:*:barman:{PASSWORD}\n"
            f"pg1.example.net:5432:*:streaming_barman:{PASSWORD}2\n"
            f"pg2.example.net:*:postgres:barman:{PASSWORD}3\n"
        ),
    },
    answers={
        "orders": {},
        "billing": {
            "archive_mode": "on",
            "archive_command": "rsync -a %p barman@192.0.2.10:/var/lib/barman/billing/incoming/%f",
            "archive_timeout": "60",
        },
    },
)

#: TPA: defaults for all in [barman], with a path of its own PostgreSQL version; a port of SSH behind the host; a file of cron for each server. By
#: roles/barman of EnterpriseDB/tpa at fffe2c1d1266.
TPA = Layout(
    {
        "/etc/barman.conf": """\
[barman]
barman_home = /var/lib/barman
barman_user = barman
log_file = /var/log/barman/barman.log
backup_method = rsync
parallel_jobs = 1
reuse_backup = link
backup_options = concurrent_backup
immediate_checkpoint = False
compression = pigz
network_compression = False
basebackup_retry_times = 3
basebackup_retry_sleep = 30
minimum_redundancy = 3
retention_policy = RECOVERY WINDOW OF 4 WEEKS
recovery_options = 'get-wal'
last_backup_maximum_age = 1 WEEK
configuration_files_directory = /etc/barman.d
path_prefix = /usr/lib/postgresql/15/bin
""",
        "/etc/barman.d/kaboom.conf": """\
[kaboom]
description = "Backups from kaboom"

ssh_command = "ssh -q postgres@kaboom -p 22"
conninfo = "host=kaboom port=5432 user=barman dbname=postgres sslmode=verify-ca sslrootcert=/etc/tpa/ca.crt"
streaming_conninfo = "host=kaboom port=5432 user=streaming_barman dbname=postgres sslmode=verify-ca sslrootcert=/etc/tpa/ca.crt"
streaming_archiver = on
slot_name = "backup_kaboom"
backup_method = postgres
reuse_backup = off

active = true
""",
        "/etc/barman.d/quiet.conf": """\
[quiet]
description = "Backups from quiet"
ssh_command = "ssh -q postgres@quiet -p 2222"
conninfo = "host=quiet port=5444 user=barman dbname=postgres sslmode=prefer"
streaming_conninfo = "host=quiet port=5444 user=streaming_barman dbname=postgres sslmode=prefer"
streaming_archiver = on
slot_name = "backup_quiet"
active = true
""",
        "/etc/cron.d/barman": "* * * * * barman /etc/tpa/barman-home-ok && /usr/bin/barman -q cron\n",
        "/etc/cron.d/kaboom": (
            "#Ansible: Backup from server kaboom\n"
            "0 4 * * wed,sat barman /etc/tpa/barman-home-ok && /usr/bin/barman backup kaboom\n"
        ),
        "/etc/cron.d/quiet": "0 5 * * wed,sat barman /etc/tpa/barman-home-ok && /usr/bin/barman backup quiet\n",
        "/var/lib/barman/.pgpass": "".join(
            f"{host}:*:*:{user}:{PASSWORD}{number}\n"
            for host in ("kaboom", "quiet")
            for user, number in (("barman", ""), ("streaming_barman", "2"))
        ),
    },
    answers={"kaboom": {"synchronous_standby_names": "FIRST 1 (barman_receive_wal, other)"}, "quiet": {}},
)

#: edb-ansible: one role for both connections, a line of cron in the package's own file, the name of the host and the instance. By roles/setup_barman and
#: roles/setup_barmanserver of EnterpriseDB/edb-ansible at 929ec8a6036b, whose templates ansible-core rendered to these lines.
EDB_ANSIBLE = Layout(
    {
        "/etc/barman.conf": """\
[barman]
barman_user = barman
configuration_files_directory = /etc/barman.d
barman_home = /var/lib/barman
barman_lock_directory = /var/run/barman
log_file = /var/log/barman/barman.log
log_level = INFO
compression = gzip
;retention_policy =
""",
        "/etc/barman.d/primary1-main.conf": """\
[primary1-main]
path_prefix = "/usr/pgsql-15/bin"
description =  "Instance: main - primary1"
conninfo = host=primary1 user=barman dbname=postgres port=5432
streaming_conninfo = host=primary1  user=barman port=5432
backup_method = postgres
streaming_archiver = on
slot_name = barman
backup_options = concurrent_backup
immediate_checkpoint = true
recovery_options = get-wal
create_slot = auto
""",
        "/etc/barman.d/primary2-main.conf": """\
[primary2-main]
path_prefix = "/usr/pgsql-15/bin"
description =  "Instance: main - primary2"
conninfo = host=primary2 user=barman dbname=postgres port=5444
ssh_command = ssh -p 2222 enterprisedb@primary2
backup_method = rsync
parallel_jobs = 1
reuse_backup = link
archiver = on
backup_options = concurrent_backup
immediate_checkpoint = true
recovery_options = get-wal
""",
        "/etc/cron.d/barman": (
            PACKAGE_CRON
            + "0 0 * * * barman /usr/bin/barman backup primary1-main\n"
            + "0 0 * * * barman /usr/bin/barman backup primary2-main\n"
        ),
        "/var/lib/barman/.pgpass": f"primary1:5432:*:barman:{PASSWORD}\nprimary2:5444:*:barman:{PASSWORD}2\n",
    },
    versions={"primary1-main": 150004, "primary2-main": 150004},
)

#: giner's role: options as a person listed them, hooks among them, names of files with a suffix, cron with a macro and quotes. By
#: giner/ansible-role-barman at bda8a62dfdc1, whose template of a server ansible-core rendered to these lines.
GINER = Layout(
    {
        "/etc/barman.conf": DEBIAN_MAIN + "compression = gzip\nlast_backup_maximum_age = 2 DAYS\n",
        "/etc/barman.d/shop-server.conf": """\
[shop]
description = Shop
conninfo = host=10.1.0.5 port=5433 user=barman dbname=postgres connect_timeout=3
streaming_conninfo = host=10.1.0.5 port=5433 user=barman_streaming connect_timeout=3
backup_method = postgres
streaming_archiver = on
slot_name = barman_shop
retention_policy = RECOVERY WINDOW OF 2 WEEKS
minimum_redundancy = 1
pre_archive_retry_script = /usr/local/bin/to-s3 --bucket shop
post_backup_script = curl -fsS https://hc.example.net/ping?password=hunter2
bandwith_limit = 4000
""",
        "/etc/cron.d/barman-backup-shop-backup": '#Ansible: barman backup cron job for shop\n@daily barman barman backup --wait "shop"\n',
        "/var/lib/barman/.pgpass": f"10.1.0.5:5433:postgres:barman:{PASSWORD}\n10.1.0.5:5433:replication:barman_streaming:{PASSWORD}2\n",
    },
    answers={"shop": {"privileged_roles": ["barman"]}},
)

#: puppet-barman: defaults for all and again for each server, a superuser, cron in the crontab of root. By deric/puppet-barman at 4afaef9b2988.
PUPPET = Layout(
    {
        "/etc/barman.conf": """\
# IMPORTANT: Please do not edit this file as it is managed by Puppet!
[barman]
barman_home = /var/lib/barman
barman_user = barman
log_file = /var/log/barman/barman.log
archiver = true
backup_method = rsync
backup_options = concurrent_backup
compression = gzip
log_level = INFO
minimum_redundancy = 0
retention_policy =
retention_policy_mode = auto
streaming_archiver = false
wal_retention_policy = main
configuration_files_directory = /etc/barman.d
""",
        "/etc/barman.d/db1.conf": """\
# IMPORTANT: Please do not edit this file as it is managed by Puppet!
[db1]
description = "db1"
ssh_command = ssh -q postgres@db1.example.org
conninfo = user=barman dbname=postgres host=db1.example.org port=5432
archiver = true
backup_method = rsync
backup_options = concurrent_backup
compression = gzip
minimum_redundancy = 0
retention_policy =
retention_policy_mode = auto
streaming_archiver = false
slot_name = barman
wal_retention_policy = main
""",
        "/etc/cron.d/barman": PACKAGE_CRON,
        "/var/spool/cron/crontabs/root": (
            "# Puppet Name: barman_backup_db1\n0 4 * * * [ -x /usr/bin/barman ] && /usr/bin/barman -q backup --wait db1\n"
        ),
        "/var/lib/barman/.pgpass": f"db1.example.org:5432:postgres:barman:{PASSWORD}\n",
    },
    answers={
        "db1": {
            "archive_mode": "on",
            "archive_command": "barman-wal-archive -U barman backup-1 db1 %p",
            "archive_timeout": "0",
            "privileged_roles": ["barman"],
        }
    },
)

LAYOUTS: Mapping[str, Layout] = {
    "debian": DEBIAN,
    "tpa": TPA,
    "edb-ansible": EDB_ANSIBLE,
    "giner": GINER,
    "puppet-barman": PUPPET,
}
