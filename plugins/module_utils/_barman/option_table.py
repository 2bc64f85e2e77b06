# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Barman version has which option, and what it accepts: the table.

The facts come from the configuration code of every release named in versions.py, from the oldest to the newest.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple

from .versions import OLDEST, Version

#: What a section of Barman's configuration is about.
OptionScope = Literal["server", "global", "model"]
SERVER: OptionScope = "server"
GLOBAL: OptionScope = "global"
MODEL: OptionScope = "model"


class Option(NamedTuple):
    """One option of Barman's configuration."""

    name: str
    kind: str
    in_server: bool
    in_global: bool
    in_model: bool
    default: str | None
    since: Version


# name, kind, default, since (None: at least since the oldest known version)
_BOTH = """
archiver|bool|off
archiver_batch_size|int|0
autogenerate_manifest|bool|false|3.7
aws_await_snapshots_timeout|int|3600|3.11
aws_check_object_lock|bool|off|3.19
aws_encryption|choice||3.18
aws_profile|text||3.7
aws_read_timeout|int||3.18
aws_region|text||3.7
aws_snapshot_lock_cool_off_period|int:1:72||3.12
aws_snapshot_lock_duration|int:1:36500||3.12
aws_snapshot_lock_expiration_date|timestamp||3.12
aws_snapshot_lock_mode|choice||3.12
aws_sse_customer_key|text||3.20
aws_sse_kms_key_id|text||3.18
azure_credential|choice||3.6
azure_resource_group|text||3.6
azure_subscription_id|text||3.6
backup_compression|choice|
backup_compression_format|choice|
backup_compression_level|level|
backup_compression_location|choice|
backup_compression_workers|int|
backup_method|choice|rsync
backup_options|csv|
bandwidth_limit|int|
basebackup_retry_sleep|int|30
basebackup_retry_times|int|0
check_timeout|int|30
cloud_delete_batch_size|int:1:||3.18
cloud_staging_directory|path|/tmp/barman/cloud-staging|3.18
cloud_staging_max_size|size|30Gi|3.18
cloud_wal_archive_parallel|int|0|3.19
cloud_wal_restore_parallel|int|0|3.19
combine_mode|choice|copy|3.16
compression|choice|
compression_level|wal_level|medium|3.14
create_slot|choice|manual
custom_compression_filter|text|
custom_compression_magic|text|
custom_decompression_filter|text|
encryption|choice|none|3.14
encryption_key_id|text||3.14
encryption_passphrase_command|text||3.14
forward_config_path|bool|false
gcp_project|text||3.6
immediate_checkpoint|bool|false
last_backup_maximum_age|interval|
last_backup_minimum_size|size|
last_wal_maximum_age|interval|
local_staging_path|path||3.11
max_incoming_wals_queue|int|
minimum_redundancy|int|0
network_compression|bool|false
parallel_jobs|int:1:|1
parallel_jobs_start_batch_period|int:1:|1|3.5
parallel_jobs_start_batch_size|int:1:|10|3.5
path_prefix|text|
primary_ssh_command|text|
recovery_options|csv|
recovery_staging_path|path|
retention_policy|retention|
retention_policy_mode|choice|auto
reuse_backup|choice|
slot_name|slot|
snapshot_gcp_project|text|
snapshot_provider|choice|
staging_location|choice|local|3.15
staging_path|path||3.15
streaming_archiver|bool|off
streaming_archiver_batch_size|int|0
streaming_archiver_name|text|barman_receive_wal
streaming_backup_name|text|barman_streaming_backup
tablespace_bandwidth_limit|tablespaces|
wal_retention_policy|choice|main
warehousepg_dbid|int||3.18
worm_mode|bool|off|3.13.2
xlogdb_directory|text|%(wals_directory)s|3.13
"""

# Options that Barman reads in a server's section only, whatever the documentation states about some.
_SERVER_ONLY = """
active|bool|true
backup_directory|text|%(barman_home)s/%(name)s
basebackups_directory|place|%(backup_directory)s/base
cloud_upload_max_archive_size|size|100Gi|3.18
cloud_upload_min_chunk_size|size||3.18
cluster|text|%(name)s|3.10
conninfo|text|
description|text|
disabled|bool|false
errors_directory|text|%(backup_directory)s/errors
gcp_zone|text||3.6
incoming_wals_directory|text|%(backup_directory)s/incoming
keepalive_interval|int|60|3.11
primary_checkpoint_timeout|int|0|3.8
primary_conninfo|text|
snapshot_disks|list|
snapshot_instance|text|
snapshot_zone|text|
ssh_command|text|
streaming_conninfo|text|%(conninfo)s
streaming_wals_directory|text|%(backup_directory)s/streaming
wal_conninfo|text||3.10
wal_streaming_conninfo|text||3.10
wals_directory|place|%(backup_directory)s/wals
"""

_GLOBAL_ONLY = """
barman_home|path|
barman_lock_directory|path|%(barman_home)s
barman_user|text|barman
config_changes_queue|path|%(barman_home)s/cfg_changes.queue|3.10
configuration_files_directory|path|
lock_directory_cleanup|bool|true|3.10
log_file|path|
log_level|choice|INFO
"""

_MODEL_ONLY = """
model|bool||3.10
"""

_HOOK_EVENTS = ("archive", "backup", "delete", "recovery", "wal_delete")
HOOKS = tuple(
    f"{when}_{event}_{retry}script" for event in _HOOK_EVENTS for when in ("pre", "post") for retry in ("", "retry_")
)

#: The script that runs a hook of barman_hooks within its limits, and notes how it went.
HOOK_RUNNER = "run-hook"

#: A server's directories that backups and WAL fill.
DISK_DIRECTORIES = ("basebackups_directory", "wals_directory", "streaming_wals_directory", "incoming_wals_directory")
#: All directories of a server; each default is in the table.
DIRECTORIES = ("backup_directory", "errors_directory", *DISK_DIRECTORIES)

_NOT_IN_MODELS = frozenset((*HOOKS, *DIRECTORIES, "xlogdb_directory", "disabled"))

#: For options with a fixed set of values: the value, and the version that brought it.
CHOICES: dict[str, dict[str, Version]] = {
    "aws_encryption": {"AES256": OLDEST, "aws:kms": OLDEST},
    "aws_snapshot_lock_mode": {"governance": OLDEST, "compliance": OLDEST},
    "azure_credential": {"azure-cli": OLDEST, "managed-identity": OLDEST, "default": (3, 13, 0)},
    "backup_compression": {"gzip": OLDEST, "lz4": OLDEST, "zstd": OLDEST, "none": (3, 9, 0)},
    "backup_compression_format": {"plain": OLDEST, "tar": OLDEST},
    "backup_compression_location": {"client": OLDEST, "server": OLDEST},
    "backup_method": {
        "rsync": OLDEST,
        "postgres": OLDEST,
        "local-rsync": OLDEST,
        "snapshot": OLDEST,
        "local-to-cloud": (3, 18, 0),
    },
    "backup_options": {"concurrent_backup": OLDEST, "exclusive_backup": OLDEST, "external_configuration": OLDEST},
    "combine_mode": {"copy": OLDEST, "link": OLDEST, "clone": OLDEST, "copy-file-range": OLDEST},
    "compression": {
        "gzip": OLDEST,
        "pigz": OLDEST,
        "bzip2": OLDEST,
        "pygzip": OLDEST,
        "pybzip2": OLDEST,
        "custom": OLDEST,
        "xz": (3, 12, 0),
        "zstd": (3, 12, 0),
        "lz4": (3, 12, 0),
        "snappy": (3, 14, 0),
    },
    "create_slot": {"manual": OLDEST, "auto": OLDEST},
    "encryption": {"none": OLDEST, "gpg": OLDEST},
    "log_level": dict.fromkeys(("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"), OLDEST),
    "recovery_options": {"get-wal": OLDEST, "delta-restore": (3, 16, 0)},
    "retention_policy_mode": {"auto": OLDEST},
    "reuse_backup": {"copy": OLDEST, "link": OLDEST, "off": OLDEST},
    "snapshot_provider": {"gcp": OLDEST, "azure": (3, 6, 0), "aws": (3, 7, 0)},
    "staging_location": {"local": OLDEST, "remote": OLDEST},
    "wal_retention_policy": {"main": OLDEST},
}

#: Options whose values Barman compares letter by letter.
CASE_SENSITIVE = frozenset(("aws_encryption", "aws_snapshot_lock_mode", "azure_credential", "snapshot_provider"))

#: Options that Barman calls deprecated: the version that did, and what replaces it.
DEPRECATED: dict[str, tuple[Version, str]] = {
    "custom_compression_filter": ((3, 17, 0), "set compression to one of Barman's own methods"),
    "custom_compression_magic": ((3, 17, 0), "set compression to one of Barman's own methods"),
    "custom_decompression_filter": ((3, 17, 0), "set compression to one of Barman's own methods"),
    "local_staging_path": ((3, 15, 0), "set staging_path, and staging_location to local"),
    "recovery_staging_path": ((3, 15, 0), "set staging_path, and staging_location to remote"),
    "snapshot_gcp_project": ((3, 6, 0), "set gcp_project"),
    "snapshot_zone": ((3, 6, 0), "set gcp_zone"),
}

DEPRECATED_COMPRESSIONS: dict[str, tuple[Version, str]] = {
    "pygzip": ((3, 16, 0), "write gzip"),
    "pybzip2": ((3, 16, 0), "write bzip2"),
    "custom": ((3, 17, 0), "write one of Barman's own methods"),
}

#: Options that Barman takes without a word and never reads.
IGNORED = {"disabled": ("is Barman's own mark and is ignored in a configuration", "write active: false")}

#: Values that may carry a password: they are never repeated in a message.
SECRET_OPTIONS = frozenset(
    (
        "aws_sse_customer_key",
        "conninfo",
        "encryption_passphrase_command",
        "primary_conninfo",
        "streaming_conninfo",
        "wal_conninfo",
        "wal_streaming_conninfo",
    )
)


def _read_table() -> dict[str, Option]:
    options: dict[str, Option] = {}

    def add(table: str, *, in_server: bool, in_global: bool) -> None:
        for line in table.split("\n"):
            if not line:
                continue
            name, kind, default, *since = line.split("|")
            version = tuple(int(part) for part in since[0].split(".")) if since else OLDEST
            options[name] = Option(
                name=name,
                kind=kind,
                in_server=in_server,
                in_global=in_global,
                in_model=name == "model" or (in_server and name not in _NOT_IN_MODELS),
                default=default or None,
                since=(*version, 0, 0)[:3],
            )

    add(_BOTH, in_server=True, in_global=True)
    add("\n".join(f"{hook}|text|" for hook in HOOKS), in_server=True, in_global=True)
    add(_SERVER_ONLY, in_server=True, in_global=False)
    add(_GLOBAL_ONLY, in_server=False, in_global=True)
    add(_MODEL_ONLY, in_server=False, in_global=False)
    return options


OPTIONS: Mapping[str, Option] = _read_table()
