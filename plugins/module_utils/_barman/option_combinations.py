# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of a server that contradict each other, or have no effect.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .options import INTEGER, Problem, choice_text, parse_bool
from .versions import Version


def combination(
    options: Mapping[str, Any], version: Version | None = None, postgres_version: int | None = None
) -> list[Problem]:
    """What contradicts itself in a server's options taken together (the global ones beneath, defaults not needed).

    These are the cases in which Barman disables the server, or leaves an option without effect and reports nothing.
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
        return int(text) if INTEGER.fullmatch(text) else None

    reuse = choice_text("reuse_backup", given.get("reuse_backup", "off")).lower()
    if method in ("postgres", "snapshot"):
        for option, is_used in (
            ("reuse_backup", reuse in ("copy", "link")),
            ("tablespace_bandwidth_limit", bool(given.get("tablespace_bandwidth_limit"))),
            ("network_compression", is_on("network_compression")),
        ):
            if is_used:
                refuse(option, f"works only with the rsync method, and this is {method}", "remove it")
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
                "write the SSH command with which Barman connects to the server",
            )
        found.extend(_snapshot_provider(given))
    if method in ("rsync", "local-rsync", "snapshot") and given.get("backup_compression"):
        refuse("backup_compression", f"works only with the postgres method, and this is {method}", "remove it")
    if method == "postgres":
        found.extend(_backup_compression(given, number, postgres_version))
    if str(given.get("encryption", "none")).lower() == "gpg":
        found.extend(_encryption(given, method))
    if given.get("aws_sse_customer_key") and (given.get("aws_sse_kms_key_id") or given.get("aws_encryption")):
        refuse("aws_sse_customer_key", "cannot be used with aws_sse_kms_key_id or aws_encryption", "keep one of them")
    return found


def _encryption(given: Mapping[str, Any], method: str) -> Iterable[Problem]:
    """What encryption needs. Source: _validate_gpg in barman/encryption.py; the passphrase is needed by the recovery alone."""
    if given.get("primary_ssh_command"):
        # A passive node takes no backups, and has what is needed to read them.
        return
    if method != "postgres":
        yield Problem("encryption", f"works only with the postgres method, and this is {method}", "remove it")
        return
    for option in ("encryption_key_id", "encryption_passphrase_command", "backup_compression"):
        if not given.get(option):
            yield Problem(option, "is needed by encryption = gpg and missing", "set it")
    if str(given.get("backup_compression_format", "")).lower() != "tar":
        yield Problem(
            "backup_compression_format", "has to be tar with encryption = gpg", "write backup_compression_format: tar"
        )


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
#: These reach a provider's object storage too, if Barman stores something there.
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
    """A server's own options about snapshots that it does not take: of none, or of another provider's.

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
                found.append(Problem(option, f"has an effect only with {only}, and this is {is_now}", "remove it"))
    if method != "snapshot":
        found.extend(
            Problem(option, f"has an effect only with the snapshot method, and this is {method}", "remove it")
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
