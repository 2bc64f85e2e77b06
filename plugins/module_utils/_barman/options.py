# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which Barman version has which option, what it accepts, and how it is written into a configuration file.

This is the one place that knows. Barman itself answers an unknown option or a wrong value with a warning and goes on
with the default, so both are problems here. The facts come from the configuration code of every release named in
versions.py, from the oldest to the newest; where Barman accepts what it later ignores (a server's option in the
[barman] section), that is a problem too.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .versions import NEWEST, OLDEST, Version, format_version

SERVER = "server"
GLOBAL = "global"
MODEL = "model"


class Option(NamedTuple):
    """One option of Barman's configuration."""

    name: str
    kind: str
    in_server: bool
    in_global: bool
    in_model: bool
    default: str | None
    since: Version


class Problem(NamedTuple):
    """What is wrong with one option, and what to write instead."""

    option: str
    message: str
    instead: str

    def __str__(self) -> str:
        return f"{self.option}: {self.message}; {self.instead}" if self.instead else f"{self.option}: {self.message}"


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

# Options that Barman reads in a server's section only, whatever the documentation says of some.
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

DIRECTORIES = (
    "backup_directory",
    "basebackups_directory",
    "errors_directory",
    "incoming_wals_directory",
    "streaming_wals_directory",
    "wals_directory",
)

_NOT_IN_MODELS = frozenset((*HOOKS, *DIRECTORIES, "xlogdb_directory", "disabled"))

#: For options with a fixed set of values: the value, and the version that brought it.
_CHOICES: dict[str, dict[str, Version]] = {
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
_CASE_SENSITIVE = frozenset(("aws_encryption", "aws_snapshot_lock_mode", "azure_credential", "snapshot_provider"))

#: Options that Barman calls deprecated: the version that did, and what replaces it.
_DEPRECATED: dict[str, tuple[Version, str]] = {
    "custom_compression_filter": ((3, 17, 0), "set compression to one of Barman's own methods"),
    "custom_compression_magic": ((3, 17, 0), "set compression to one of Barman's own methods"),
    "custom_decompression_filter": ((3, 17, 0), "set compression to one of Barman's own methods"),
    "local_staging_path": ((3, 15, 0), "set staging_path, and staging_location to local"),
    "recovery_staging_path": ((3, 15, 0), "set staging_path, and staging_location to remote"),
    "snapshot_gcp_project": ((3, 6, 0), "set gcp_project"),
    "snapshot_zone": ((3, 6, 0), "set gcp_zone"),
}

_DEPRECATED_COMPRESSIONS: dict[str, tuple[Version, str]] = {
    "pygzip": ((3, 16, 0), "write gzip"),
    "pybzip2": ((3, 16, 0), "write bzip2"),
    "custom": ((3, 17, 0), "write one of Barman's own methods"),
}

#: Options that Barman takes without a word and never reads.
_IGNORED = {"disabled": ("is Barman's own mark and is ignored in a configuration", "write active: false")}

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

    def add(table: str, in_server: bool, in_global: bool) -> None:
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

    add(_BOTH, True, True)
    add("\n".join(f"{hook}|text|" for hook in HOOKS), True, True)
    add(_SERVER_ONLY, True, False)
    add(_GLOBAL_ONLY, False, True)
    add(_MODEL_ONLY, False, False)
    return options


OPTIONS: Mapping[str, Option] = _read_table()

_TRUE = frozenset(("true", "t", "yes", "1", "on"))
_FALSE = frozenset(("false", "f", "no", "0", "off"))
_INTERVAL = re.compile(r"\s*(\d+)\s+(day|month|week|hour)s?\s*", re.IGNORECASE)
_SIZE = re.compile(r"\d+\s*(k|Ki|M|Mi|G|Gi|T|Ti)?\s*")
_INTEGER = re.compile(r"[+-]?\d+")
_SLOT = re.compile(r"[a-z0-9_]{1,63}")
_REDUNDANCY = re.compile(r"\s*redundancy\s+(\d+)\s*", re.IGNORECASE)
_WINDOW = re.compile(r"\s*recovery\s+window\s+of\s+(\d+)\s+(day|month|week)s?\s*", re.IGNORECASE)
_TIMESTAMP = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{1,6}Z")
_UNIT_DAYS = {"day": 1, "week": 7, "month": 31}
_UNIT_MINUTES = {"hour": 60, **{unit: days * 1440 for unit, days in _UNIT_DAYS.items()}}

_MAY_BE_EMPTY = frozenset(("interval", "retention", "size", "text", "wal_level"))
_DEFAULT_INSTEAD = ": Barman would use its default instead"

RETENTION_FORMS = "REDUNDANCY 3, or RECOVERY WINDOW OF 14 DAYS (or WEEKS, MONTHS)"


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The known name that is most like the given one, if one is like it at all."""
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return found[0] if found else None


class Retention(NamedTuple):
    """A retention policy: so many backups, or so many days."""

    redundancy: int | None
    days: int | None


def parse_retention(text: str) -> Retention | None:
    """The retention policy, as Barman would understand it; None where it would not."""
    match = _REDUNDANCY.fullmatch(text)
    if match:
        return Retention(int(match.group(1)), None)
    match = _WINDOW.fullmatch(text)
    if match:
        return Retention(None, int(match.group(1)) * _UNIT_DAYS[match.group(2).lower()])
    return None


def parse_interval(text: str) -> int | None:
    """The minutes of a span of time, as Barman would understand it; None where it would not."""
    match = _INTERVAL.fullmatch(text)
    return int(match.group(1)) * _UNIT_MINUTES[match.group(2).lower()] if match else None


def is_slot_name(text: str) -> bool:
    """Whether PostgreSQL takes it as the name of a replication slot."""
    return _SLOT.fullmatch(text) is not None


def parse_bool(value: Any) -> bool | None:
    """True or false as Barman reads it; None where it would fall back to the default."""
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    return None


def choices(option: str, version: Version | None = None) -> list[str]:
    """The values that the option has in that version (the newest known if none is given)."""
    return [value for value, since in _CHOICES.get(option, {}).items() if since <= (version or NEWEST)]


def names(scope: str, version: Version | None = None) -> list[str]:
    """The names of the options that the version reads in a section of that scope."""
    return sorted(
        option.name for option in OPTIONS.values() if _in_scope(option, scope) and option.since <= (version or NEWEST)
    )


def _in_scope(option: Option, scope: str) -> bool:
    return {SERVER: option.in_server, GLOBAL: option.in_global, MODEL: option.in_model}[scope]


def _shown(option: str, value: Any) -> str:
    return "its value" if option in SECRET_OPTIONS else repr(plain(value))


def plain(value: Any) -> Any:
    """The value without the types that Ansible puts around it."""
    if isinstance(value, bool) or value is None:
        return value
    for kind in (int, float, str):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    return str(value)


def _words(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else "%s or %s" % (", ".join(items[:-1]), items[-1])


def validate(options: Mapping[str, Any], version: Version | None = None, scope: str = SERVER) -> list[Problem]:
    """Every problem that the Barman version has with a section of these options, in the order of the names.

    Without a version the newest known one is meant. A value of None leaves the option to its default, and is no
    problem.
    """
    found = []
    for name in sorted(options, key=str):
        problem = _problem(str(name), options[name], version or NEWEST, scope)
        if problem is not None:
            found.append(problem)
    return found


def deprecated(options: Mapping[str, Any], version: Version | None = None, scope: str = SERVER) -> list[Problem]:
    """What the Barman version still takes and calls deprecated. No reason to fail."""
    version = version or NEWEST
    found = []
    for name in sorted(set(options) & set(_DEPRECATED)):
        since, instead = _DEPRECATED[name]
        if since <= version and _in_scope(OPTIONS[name], scope):
            found.append(Problem(name, f"is deprecated since Barman {format_version(since)}", instead))
    compression = str(options.get("compression")).lower()
    since, instead = _DEPRECATED_COMPRESSIONS.get(compression, (version, ""))
    if instead and since <= version:
        message = f"{compression} is deprecated since Barman {format_version(since)}"
        found.append(Problem("compression", message, instead))
    return found


def _problem(name: str, value: Any, version: Version, scope: str) -> Problem | None:
    option = OPTIONS.get(name)
    if option is None:
        like = nearest(name, (known.name for known in OPTIONS.values() if _in_scope(known, scope)))
        return Problem(name, "is not an option that Barman knows", f"did you mean {like}?" if like else "remove it")
    if name in _IGNORED:
        return Problem(name, *_IGNORED[name])
    if not _in_scope(option, scope):
        return Problem(name, *_misplaced(option, scope))
    if option.since > version:
        return Problem(
            name,
            f"is new in Barman {format_version(option.since)}, and this is Barman {format_version(version)}",
            "remove it, or use a newer Barman",
        )
    if value is None:
        return None
    return _wrong_value(option, value, version)


def _misplaced(option: Option, scope: str) -> tuple[str, str]:
    if scope == GLOBAL:
        return "is ignored by Barman in the [barman] section", "set it for each server"
    if option.in_global and not option.in_server:
        return "is read by Barman in the [barman] section only", "set it in the backup server's global options"
    if scope == MODEL:
        return "cannot be set in a model", "set it for the server"
    return "makes a section a model", "remove it"


def _wrong_value(option: Option, value: Any, version: Version) -> Problem | None:
    kind, *limits = option.kind.split(":")
    name = option.name
    if isinstance(value, (Mapping, list, tuple)) and kind not in ("csv", "list", "tablespaces"):
        return Problem(name, f"is a {_kind_of(value)}", "write one value")
    if _has_line_break(value):
        return Problem(name, "has a line break in its value", "write it in one line")
    if str(value) in ("", "None") and (kind in _MAY_BE_EMPTY or name == "compression"):
        return None  # Barman's ways to write "nothing"
    if kind in ("choice", "csv"):
        return _wrong_choice(option, value, version, several=kind == "csv")
    wanted = _CHECKS[kind](value, limits)
    if wanted is None:
        return None
    return Problem(name, f"cannot be {_shown(name, value)}{_consequence(kind, value)}", f"write {wanted}")


def _consequence(kind: str, value: Any) -> str:
    """What Barman would make of the wrong value, where it would say so in a warning only."""
    if kind in ("bool", "interval", "level", "list", "path", "place", "size", "wal_level"):
        return _DEFAULT_INSTEAD
    if kind == "int" and not _INTEGER.fullmatch(str(value).strip()):
        return _DEFAULT_INSTEAD
    return ": Barman would keep everything instead" if kind == "retention" else ""


def _kind_of(value: Any) -> str:
    return "dictionary" if isinstance(value, Mapping) else "list"


def _has_line_break(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_has_line_break(item) for pair in value.items() for item in pair)
    if isinstance(value, (list, tuple)):
        return any(_has_line_break(item) for item in value)
    return isinstance(value, str) and any(mark in value for mark in ("\n", "\r", "\0"))


def _advised(name: str, version: Version) -> str:
    """The values to write, without those that the version calls deprecated."""
    old = [value for value, (since, _instead) in _DEPRECATED_COMPRESSIONS.items() if since <= version]
    return _words([value for value in choices(name, version) if name != "compression" or value not in old])


def _wrong_choice(option: Option, value: Any, version: Version, several: bool) -> Problem | None:
    known = _CHOICES[option.name]
    given = _items(value) if several else [_choice_text(option.name, value)]
    for text in given:
        match = {choice.lower(): choice for choice in known}.get(text.lower())
        if match is None or (option.name in _CASE_SENSITIVE and match != text):
            return Problem(
                option.name,
                f"cannot be {_shown(option.name, text)}{_DEFAULT_INSTEAD}",
                f"write {_advised(option.name, version)}",
            )
        if known[match] > version:
            return Problem(
                option.name,
                f"can be {match} since Barman {format_version(known[match])} only, and this is Barman "
                f"{format_version(version)}",
                f"write {_advised(option.name, version)}",
            )
    if option.name == "backup_options" and {"concurrent_backup", "exclusive_backup"} <= {t.lower() for t in given}:
        return Problem(option.name, "cannot be both concurrent_backup and exclusive_backup", "write one of them")
    return None


def _choice_text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        # YAML 1.1 reads a bare off as false.
        return "off" if name == "reuse_backup" and not value else str(value).lower()
    return str(value)


def _items(value: Any) -> list[str]:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [value]
    return [str(part).strip() for part in parts if str(part).strip()]


def _check_bool(value: Any, limits: Sequence[str]) -> str | None:
    return None if parse_bool(value) is not None else "true or false"


def _check_int(value: Any, limits: Sequence[str]) -> str | None:
    low = int(limits[0]) if limits else 0
    high = int(limits[1]) if len(limits) > 1 and limits[1] else None
    wanted = f"a whole number from {low} to {high}" if high is not None else f"a whole number, {low} or more"
    if isinstance(value, (bool, float)) or not _INTEGER.fullmatch(str(value).strip()):
        return wanted
    number = int(value)
    return wanted if number < low or (high is not None and number > high) else None


def _check_level(value: Any, limits: Sequence[str]) -> str | None:
    is_number = not isinstance(value, (bool, float)) and _INTEGER.fullmatch(str(value).strip())
    return None if is_number else "a whole number"


def _check_wal_level(value: Any, limits: Sequence[str]) -> str | None:
    if str(value).lower() in ("low", "medium", "high"):
        return None
    return None if _check_level(value, limits) is None else "low, medium, high or a whole number"


def _check_size(value: Any, limits: Sequence[str]) -> str | None:
    if not isinstance(value, (bool, float)) and _SIZE.fullmatch(str(value)):
        return None
    return "a number of bytes with or without one of k, Ki, M, Mi, G, Gi, T, Ti, as 5Gi"


def _check_interval(value: Any, limits: Sequence[str]) -> str | None:
    return None if _INTERVAL.fullmatch(str(value)) else "a number and hours, days, weeks or months, as 2 DAYS"


def _check_timestamp(value: Any, limits: Sequence[str]) -> str | None:
    return None if _TIMESTAMP.fullmatch(str(value)) else "a time as 2030-12-31T23:59:59.000Z"


def _check_path(value: Any, limits: Sequence[str]) -> str | None:
    return None if str(value).startswith("/") else "an absolute path"


def _check_place(value: Any, limits: Sequence[str]) -> str | None:
    text = str(value)
    if "://" not in text:
        return _check_text(value, limits)
    cloud = text.startswith(("s3://", "gs://")) or ".blob.core.windows.net/" in text
    return None if cloud else "a path, or a URL as s3://bucket/path"


def _check_text(value: Any, limits: Sequence[str]) -> str | None:
    return "a text" if isinstance(value, bool) else None


def _check_slot(value: Any, limits: Sequence[str]) -> str | None:
    return None if is_slot_name(str(value)) else "1 to 63 lower case letters, digits and underscores"


def _check_retention(value: Any, limits: Sequence[str]) -> str | None:
    return None if parse_retention(str(value)) else RETENTION_FORMS


def _check_list(value: Any, limits: Sequence[str]) -> str | None:
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [""]
    return None if parts and all(str(part).strip() and "," not in str(part) for part in parts) else "a list of names"


def _check_tablespaces(value: Any, limits: Sequence[str]) -> str | None:
    wanted = "a dictionary of tablespace and kB/s, as {tbs1: 4000}"
    if isinstance(value, Mapping):
        pairs = [(str(name), str(limit)) for name, limit in value.items()]
    else:
        rules = value.split() if isinstance(value, str) else value if isinstance(value, (list, tuple)) else [""]
        pairs = [(name, limit) for name, _colon, limit in (str(rule).partition(":") for rule in rules)]
    good = pairs and all(
        name and not re.search(r"[\s:]", name) and re.fullmatch(r"[0-9]+", limit) for name, limit in pairs
    )
    return None if good else wanted


_CHECKS = {
    "bool": _check_bool,
    "int": _check_int,
    "interval": _check_interval,
    "level": _check_level,
    "list": _check_list,
    "path": _check_path,
    "place": _check_place,
    "retention": _check_retention,
    "size": _check_size,
    "slot": _check_slot,
    "tablespaces": _check_tablespaces,
    "text": _check_text,
    "timestamp": _check_timestamp,
    "wal_level": _check_wal_level,
}


def render_value(option: str, value: Any) -> str:
    """The value as it is written into the configuration file, so that Barman reads the same value back.

    Raises ValueError for what no line of a configuration file can hold.
    """
    if _has_line_break(value):
        raise ValueError(f"{option}: a line break cannot be written into Barman's configuration")
    return _unquoted_text(option, value).replace("%", "%%")


def _unquoted_text(option: str, value: Any) -> str:
    if value is None:
        # Barman's word for "nothing", also against the [barman] section.
        return "None"
    if isinstance(value, bool):
        if option == "create_slot":
            return "auto" if value else "manual"
        return "on" if value else "off"
    if isinstance(value, Mapping):
        return " ".join(f"{name}:{limit}" for name, limit in value.items())
    if isinstance(value, (list, tuple)):
        return (" " if option == "tablespace_bandwidth_limit" else ",").join(str(item) for item in value)
    text = str(value)
    if text != text.strip() or (len(text) >= 2 and text[0] == text[-1] and text[0] in "'\""):
        # Barman takes one pair of quotes off, and the parser takes surrounding blanks off before.
        return f'"{text}"'
    return text


def combination(
    options: Mapping[str, Any], version: Version | None = None, postgres_version: int | None = None
) -> list[Problem]:
    """What contradicts itself in a server's options taken together (the global ones beneath, defaults not needed).

    These are the cases in which Barman disables the server, or leaves an option without effect and says nothing.
    """
    found: list[Problem] = []
    method = str(options.get("backup_method") or "rsync").lower()
    given = {name: value for name, value in options.items() if value is not None}

    def refuse(option: str, message: str, instead: str) -> None:
        found.append(Problem(option, message, instead))

    def is_on(option: str) -> bool:
        return parse_bool(given.get(option, False)) is True

    def number(option: str) -> int | None:
        text = str(given.get(option, ""))
        return int(text) if _INTEGER.fullmatch(text) else None

    reuse = _choice_text("reuse_backup", given.get("reuse_backup", "off")).lower()
    if method in ("postgres", "snapshot"):
        if reuse in ("copy", "link"):
            refuse("reuse_backup", f"works with the rsync method only, and this is {method}", "remove it")
        for option in ("tablespace_bandwidth_limit",):
            if given.get(option):
                refuse(option, f"works with the rsync method only, and this is {method}", "remove it")
        if is_on("network_compression"):
            refuse("network_compression", f"works with the rsync method only, and this is {method}", "remove it")
        if (number("parallel_jobs") or 1) > 1:
            refuse(
                "parallel_jobs",
                f"has no effect on backups with the {method} method",
                "remove it, or use the rsync method",
            )
    if method == "snapshot":
        if given.get("bandwidth_limit"):
            refuse("bandwidth_limit", "is refused by the snapshot method", "remove it")
        for option in ("snapshot_provider", "snapshot_instance", "snapshot_disks"):
            if not given.get(option):
                refuse(option, "is needed by the snapshot method and missing", _SNAPSHOT_EXAMPLE[option])
        if not given.get("ssh_command"):
            refuse(
                "ssh_command",
                "is needed by the snapshot method and missing",
                "write how Barman reaches the server by SSH",
            )
        found.extend(_snapshot_provider(given))
    if method in ("rsync", "local-rsync", "snapshot") and given.get("backup_compression"):
        refuse("backup_compression", f"works with the postgres method only, and this is {method}", "remove it")
    if method == "postgres":
        found.extend(_backup_compression(given, number, postgres_version))
    if str(given.get("encryption", "none")).lower() == "gpg":
        for option in ("encryption_key_id", "encryption_passphrase_command"):
            if not given.get(option):
                refuse(option, "is needed by encryption = gpg and missing", "set it")
    if given.get("aws_sse_customer_key") and (given.get("aws_sse_kms_key_id") or given.get("aws_encryption")):
        refuse("aws_sse_customer_key", "cannot be used with aws_sse_kms_key_id or aws_encryption", "keep one of them")
    return found


_SNAPSHOT_EXAMPLE = {
    "snapshot_provider": "write gcp, azure or aws",
    "snapshot_instance": "write the name of the instance on which PostgreSQL runs",
    "snapshot_disks": "write the list of the disks that hold PostgreSQL's data",
}


#: What a provider cannot do without, each with the older name that Barman still takes for it.
_SNAPSHOT_NEEDS = {
    "aws": {},
    "azure": {"azure_subscription_id": "", "azure_resource_group": ""},
    "gcp": {"gcp_project": "snapshot_gcp_project", "gcp_zone": "snapshot_zone"},
}
_SNAPSHOT_LOCK = (
    "aws_snapshot_lock_cool_off_period",
    "aws_snapshot_lock_duration",
    "aws_snapshot_lock_expiration_date",
)
#: What each provider's snapshots read, and those of the others do not.
_SNAPSHOT_OPTIONS = {
    "aws": ("aws_await_snapshots_timeout", "aws_profile", "aws_region", "aws_snapshot_lock_mode", *_SNAPSHOT_LOCK),
    "azure": ("azure_credential", "azure_resource_group", "azure_subscription_id"),
    "gcp": ("gcp_project", "gcp_zone", "snapshot_gcp_project", "snapshot_zone"),
}
#: These reach a provider's object storage too, where Barman keeps something there.
_ALSO_OF_STORAGE = frozenset(("aws_profile", "aws_region", "azure_credential", "gcp_project"))


def _snapshot_provider(given: Mapping[str, Any]) -> Iterable[Problem]:
    provider = str(given.get("snapshot_provider", ""))
    for option, older in _SNAPSHOT_NEEDS.get(provider, {}).items():
        if not given.get(option) and not (older and given.get(older)):
            yield Problem(option, f"is needed by snapshot_provider = {provider} and missing", "set it")
        elif older and given.get(option) and given.get(older):
            yield Problem(older, f"is the older name of {option}, and both are set", "remove it")
    if provider != "aws":
        return
    if not given.get("aws_snapshot_lock_mode"):
        for option in _SNAPSHOT_LOCK:
            if given.get(option):
                yield Problem(option, "has no effect without aws_snapshot_lock_mode", "set that, or remove this")
        return
    ends = [name for name in _SNAPSHOT_LOCK[1:] if given.get(name)]
    if len(ends) != 1:
        yield Problem(
            "aws_snapshot_lock_mode",
            "needs aws_snapshot_lock_duration or aws_snapshot_lock_expiration_date, and not both",
            "set one of the two",
        )
    governance = given["aws_snapshot_lock_mode"] == "governance"
    if governance and given.get("aws_snapshot_lock_cool_off_period"):
        yield Problem(
            "aws_snapshot_lock_cool_off_period",
            "cannot be used with aws_snapshot_lock_mode = governance",
            "remove it, or write compliance",
        )


def without_effect(own: Mapping[str, Any], together: Mapping[str, Any]) -> list[Problem]:
    """What a server's own options say of snapshots that it does not take: of none, or of another provider's.

    The [barman] section may have them for the sake of other servers. together: the server's options with that section's.
    """
    method = str(together.get("backup_method") or "rsync").lower()
    provider = str(together.get("snapshot_provider") or "")
    storage = any("://" in str(value) for value in together.values())
    found: list[Problem] = []
    for of, names_of in _SNAPSHOT_OPTIONS.items():
        if method == "snapshot" and provider in (of, ""):
            continue
        only = f"snapshot_provider = {of}" if method == "snapshot" else "the snapshot method"
        for option in names_of:
            if own.get(option) is not None and not (storage and option in _ALSO_OF_STORAGE):
                is_now = provider if method == "snapshot" else method
                found.append(Problem(option, f"has an effect with {only} only, and this is {is_now}", "remove it"))
    if method != "snapshot":
        found.extend(
            Problem(option, f"has an effect with the snapshot method only, and this is {method}", "remove it")
            for option in _SNAPSHOT_EXAMPLE
            if own.get(option) is not None
        )
    return found


def _backup_compression(given: Mapping[str, Any], number: Any, postgres_version: int | None) -> Iterable[Problem]:
    compression = str(given.get("backup_compression") or "").lower()
    if not compression:
        for option in ("level", "location", "format", "workers"):
            if f"backup_compression_{option}" in given:
                yield Problem(
                    f"backup_compression_{option}", "has no effect without backup_compression", "set backup_compression"
                )
        return
    location = str(given.get("backup_compression_location") or "").lower()
    if postgres_version is not None and postgres_version < 15:
        if location == "server":
            yield Problem(
                "backup_compression_location",
                f"server needs PostgreSQL 15 or later, and this is {postgres_version}",
                "write client",
            )
        if compression in ("lz4", "zstd"):
            yield Problem(
                "backup_compression",
                f"{compression} needs PostgreSQL 15 or later, and this is {postgres_version}",
                "write gzip",
            )
    if str(given.get("backup_compression_format") or "").lower() == "plain" and location != "server":
        yield Problem(
            "backup_compression_format",
            "plain needs backup_compression_location = server",
            "write tar, or set backup_compression_location to server",
        )
    level = number("backup_compression_level")
    low, high = {"gzip": (-1, 9), "lz4": (0, 12), "zstd": (-131072, 22), "none": (0, 0)}.get(compression, (0, 0))
    if level is not None and not low <= level <= high:
        yield Problem("backup_compression_level", f"cannot be {level} with {compression}", f"write {low} to {high}")
    if level == 0 and compression == "gzip" and (postgres_version or 15) >= 15:
        yield Problem(
            "backup_compression_level",
            "cannot be 0 with gzip from PostgreSQL 15 on",
            "write 1 to 9, -1 for its default, or backup_compression: none",
        )
    if "backup_compression_workers" in given and compression != "zstd":
        yield Problem("backup_compression_workers", f"cannot be used with {compression}", "remove it, or write zstd")
