# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a recovery that has ended, and what a person should know of it.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ...module_utils._postgres.wal import parse_lsn
from .plan_text import CONFIGURATION_FILES

Result = Mapping[str, Any]
_NOT_REPORTED = ("log_excerpt", "planned")


@dataclass(frozen=True)
class Results:
    """What the steps of a recovery returned; empty for those that did not run.

    proof: module recover in check mode. host: recovery_host. restored: the job of module recover. test: verify_recovery. isolation:
    recovered_copy. The others are of a recovery to a host: running: action require_recovered. answered: verify_recovery with the queries
    that had to wait. record: recovery_record. commit: commit_test. unprotected: run and reason of each recovery
    that a host could not protect again. On the backup server, protection:
    protection_info. new_backups: Barman's names, each with the job of module backup. Results of an earlier recovery do not count.
    """

    proof: Result
    host: Result
    restored: Result
    test: Result
    isolation: Result = field(default_factory=dict)
    running: Result = field(default_factory=dict)
    answered: Result = field(default_factory=dict)
    record: Result = field(default_factory=dict)
    commit: Result = field(default_factory=dict)
    protection: Result = field(default_factory=dict)
    new_backups: Sequence[Sequence[Any]] = ()
    unprotected: Sequence[Result] = ()

    def protecting(self, recovery: Mapping[str, Any]) -> Result:
        """What protects the recovered server again; empty if nothing does."""
        return self.protection if recovery["in_place"] and not self.not_protected(recovery) else {}

    def not_protected(self, recovery: Mapping[str, Any]) -> list[str]:
        """Why the recovered server could not be protected again; empty if it could."""
        return list(dict.fromkeys(one["reason"] for one in self.unprotected if one.get("run") == recovery["run"]))

    def new_backup(self, recovery: Mapping[str, Any]) -> Result:
        """The backup that was taken afterwards; empty if there is none."""
        jobs = [job for name, job in self.new_backups if name == recovery["name"]] if recovery["in_place"] else []
        return (jobs[0].get("backup") or {}) if jobs else {}


def report(
    recovery: Mapping[str, Any], results: Results, *, data_directory: str = "", started: float = 0.0
) -> dict[str, Any]:
    """The report. started: when the recovery was confirmed, in seconds since the epoch of the controller's clock."""
    plan = results.restored["recovery"]
    common = {
        "server": recovery["server"],
        "backup_server": recovery["source"],
        "backup_id": plan["backup_id"],
        "backup_end_time": plan["backup_end_time"],
        "target": plan["target"],
        "reached": plan["reached"],
        "last_recoverable": plan["last_recoverable"],
        # Commits of another timeline than the recovery's. Module recover found them while the server ran.
        "left_behind": results.proof["recovery"].get("left_behind") or [],
        "partial_segment": plan["partial_segment"],
        "bytes": plan["bytes"],
        "copy_seconds": plan["duration"],
        # A status each, with the reason if something is not verified.
        "verified": {**(plan.get("verified") or {}), "data_checksums": results.test["test"]["checksums"]},
        # What the host may lack and nobody compared before the recovery began, with the reason.
        "not_compared": results.host["not_compared"],
        "test": _test(results),
        "from_copy": plan["passive"],
        "tablespaces": plan["tablespaces"],
        # Settings that keep a copy from the subscriptions, jobs and archive of its production server, and what it has of them.
        "isolation_settings": results.isolation.get("settings") or {},
        "isolation_reasons": results.isolation.get("reasons") or [],
    }
    if recovery["directory"]:
        return {
            **common,
            "directory": recovery["directory"],
            "owner": recovery["source_user"],
            "postgres_version": plan["postgres_version"],
            "protected": False,
        }
    protection = results.protecting(recovery)
    takes_writes = bool(results.commit.get("takes_writes"))
    return {
        **common,
        "host": recovery["target"],
        "timeline": results.running["timeline"],
        # From the confirmation until the recovered server accepts writes.
        "rto_seconds": round(results.running["time"] - started, 1),
        # Commits that are archived and not recovered because they are after the target. Nobody knows what the backup server has beside a passive
        # copy: there everything after last_recoverable is lost.
        "left_out_seconds": None if plan["passive"] else left_out_seconds(plan),
        "left_out_bytes": None if plan["passive"] else left_out_bytes(plan),
        "data_directory": data_directory,
        # Null if pg_wal is in the data directory.
        "wal_directory": plan["wal_directory"],
        # Of earlier recoveries, too: each has its run, and unproven if it holds a restore that was never proven.
        "moved_aside": results.record["moved_aside"],
        "record": results.record["record_file"],
        # Only this standby is backed up. It must be rebuilt before there can be a new backup.
        "standby_to_build": recovery["standby"] or None,
        # Tried with a commit that waits as the application's do.
        "takes_writes": takes_writes,
        "takes_writes_reason": str(
            results.commit.get("reason") or ("" if takes_writes else results.commit.get("msg") or "")
        ),
        "protected": bool(protection.get("protected")),
        # The proof, and what is missing, such as a new backup that was not requested.
        "protection": protection.get("protection"),
        "protection_missing": protection.get("missing") or [],
        # A backup that failed has none.
        "new_backup": results.new_backup(recovery).get("id"),
    }


def _test(results: Results) -> dict[str, Any]:
    test = {key: value for key, value in results.test["test"].items() if key not in _NOT_REPORTED}
    if "test" in results.answered:
        immediate = [query for query in test["queries"] if not query.get("locked")]
        test["queries"] = [*immediate, *results.answered["test"]["queries"]]
    return test


def left_out_seconds(plan: Mapping[str, Any]) -> float | None:
    """Seconds between the last commit that is recovered and the last one that could be; None if one of the times is not known."""
    last, first = plan["last_recoverable"].get("time"), plan["reached"].get("time")
    return (datetime.fromisoformat(last) - datetime.fromisoformat(first)).total_seconds() if last and first else None


def left_out_bytes(plan: Mapping[str, Any]) -> int:
    """Bytes of WAL between the two."""
    return parse_lsn(plan["last_recoverable"]["lsn"]) - parse_lsn(plan["reached"]["lsn"])


def problems(recovery: Mapping[str, Any], results: Results, found: Mapping[str, Any]) -> list[str]:
    """Why a recovery to a host fails although the recovered server runs; empty if it does not fail."""
    texts = results.not_protected(recovery)
    if not recovery["directory"] and not found["takes_writes"]:
        texts.append(
            f"{recovery['server']} is recovered and runs, and takes no writes: {found['takes_writes_reason']}."
        )
    return texts


def notes(recovery: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """What a person should read beside the report."""
    return [
        *_of_directory(recovery, found),
        *_of_configuration(recovery),
        *_of_collations(found),
        *_of_verification(found),
    ]


def _of_directory(recovery: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    directory = recovery["directory"]
    if not directory:
        return []
    return [
        f"The data of {recovery['server']} is in {directory} on {recovery['target']}, WAL and recovery target included, proven.",
        f"Copy the directory with everything in it to the host where PostgreSQL {recovery['version']} is to run, make PostgreSQL's user there its owner "
        "with mode 0700, and start PostgreSQL. It recovers to the target once more and continues on a new timeline.",
        "Then remove restore_command, recovery_end_command and recovery_target… from postgresql.auto.conf (ALTER "
        "SYSTEM RESET), before a standby is made of it.",
        "Each tablespace is in a directory of its own (tablespaces in this report), and pg_tblspc has symbolic links to these. Copy them, too, and point the "
        "links to the copies.",
        "If the report has isolation_settings, reset them (ALTER SYSTEM RESET, and a restart) when this server replaces production, and not before.",
        "Configuration files that were outside of the data directory (as Debian's are) are not in it.",
        "If it is started in two places, there are two servers. Remove the directory when the server that replaces production runs.",
    ]


def _of_configuration(recovery: Mapping[str, Any]) -> list[str]:
    """Of a host that is not the one that was backed up, or was installed again."""
    replaces = recovery["arguments"].get("barman_recover_replace_system")
    if recovery["directory"] or (recovery["in_place"] and not replaces):
        return []
    return [f"The server runs with the configuration of {recovery['target']}: {CONFIGURATION_FILES}."]


def _of_collations(found: Mapping[str, Any]) -> list[str]:
    databases = list(dict.fromkeys(one["database"] for one in found["test"]["collation_mismatches"]))
    if not databases:
        return []
    return [
        f"Sorted by another version of the C or ICU library than this host has: {', '.join(databases)} (the report has the collations). Rebuild the indexes of "
        "text there (REINDEX DATABASE), then ALTER DATABASE ... REFRESH COLLATION VERSION."
    ]


def _of_verification(found: Mapping[str, Any]) -> list[str]:
    reasons = [
        one["reason"]
        for name, one in found["verified"].items()
        if name != "data_checksums" and one["status"] != "verified"
    ]
    if not reasons:
        return []
    return [
        f"Not verified: {'; '.join(reasons)}. Damage that is in it is in the recovered server, and in every later backup of it. Keep an earlier backup until "
        "you know (barman keep, or pgdr.barman.backup_keep): retention removes backups by their age only."
    ]
