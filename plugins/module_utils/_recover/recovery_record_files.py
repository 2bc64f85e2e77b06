# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The record of a recovery on the host: the file beside the data directory, and the systemd drop-in that guards the unit.

This module util is private to the collection. The directory beside the data belongs to PostgreSQL's user in most layouts, so
the owner of that directory reads and writes the file. No symbolic link is followed.
"""

from __future__ import annotations

import contextlib
import json
import os
import posixpath
import pwd
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from .._host.files import read_text, write_atomic
from .._host.identity import acting_as
from .._host.paths import normal_path
from .._host.process import Command, HostError, Runner
from .._host.safe_files import make_directories, open_directory, remove_file
from . import recovery_record
from .recovery_record import Record, RecordError, RecordPlan, Request

UNITS = "/etc/systemd/system"
DROP_IN = "pgdr-barman-recovery.conf"
_LONGEST = 1024 * 1024
# systemd.unit(5): the characters of a unit's name.
_UNIT = re.compile(r"[A-Za-z0-9:_.\\@-]+\Z")


@dataclass(frozen=True)
class Applied:
    """What one call did, or would do. exists: of the record's paths those that exist."""

    changed: bool
    before: Record | None
    record: Record | None
    exists: frozenset[str]
    path: str


class RecordFiles:
    """The record of one data directory. units: where systemd's drop-ins are."""

    def __init__(self, data_directory: str, runner: Runner, units: str = UNITS) -> None:
        # A trailing slash would be inside of it.
        self._directory = normal_path(data_directory)
        if self._directory in ("/", "//", ".") or not posixpath.isabs(self._directory):
            raise HostError(f"data_directory: '{data_directory}' is not the absolute path of a data directory")
        # systemd reads the path in a unit's file, line by line.
        if not self._directory.isprintable():
            raise HostError(f"data_directory: {data_directory!r} has a character that is not printable")
        self._run = runner
        self._units = units
        self.path = self._directory + recovery_record.SUFFIX

    def apply(self, request: Request, *, check_mode: bool) -> Applied:
        """Do what the event asks for. Raises HostError if it can't be done, or does not fit the record."""
        current = self.read()
        exists = self._existing(current)
        try:
            planned = recovery_record.plan(current, request, exists)
        except RecordError as exc:
            raise HostError(str(exc)) from None
        services = {one.service for one in (current, planned.record) if one is not None and one.service}
        changed = planned.record != current
        if request.event is not recovery_record.RecordEvent.READ:
            changed = self._store(planned, current, services, check_mode=check_mode) or changed
        return Applied(changed, current, planned.record, exists, self.path)

    def read(self) -> Record | None:
        """The record; None if there is none. Raises HostError if it can't be read or understood."""
        try:
            with self._beside() as parent:
                handle = os.open(
                    posixpath.basename(self.path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=parent
                )
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise HostError(f"{self.path} can't be read: {exc.strerror}") from None
        with os.fdopen(handle, "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise HostError(f"{self.path} can't be read: it is not a file")
            text = stream.read(_LONGEST)
        try:
            return recovery_record.parse(json.loads(text))
        except ValueError as exc:
            reason = str(exc) if isinstance(exc, RecordError) else "it is not JSON"
            raise HostError(
                f"{self.path} can't be understood: {reason}. It has the directories to which a recovery has moved data. "
                f"Read it, and check {self._directory}.*, before you remove it"
            ) from None

    def _existing(self, record: Record | None) -> frozenset[str]:
        return frozenset(path for path in recovery_record.paths(record) if os.path.lexists(path))

    def _store(self, planned: RecordPlan, current: Record | None, services: set[str], *, check_mode: bool) -> bool:
        """Write the record first and the guard of it then; the other way round for what is removed."""
        guards = {unit: self._guard(unit) for unit in sorted(self._unit_of(one) for one in services)}
        lay = [unit for unit, text in guards.items() if planned.guard and read_text(self._drop_in(unit)) != text]
        lift = [unit for unit in guards if not planned.guard and os.path.lexists(self._drop_in(unit))]
        if check_mode:
            return bool(lay or lift)
        if planned.record is not None and planned.record != current:
            self._write(planned.record)
        for unit in lay:
            make_directories(posixpath.dirname(self._drop_in(unit)), 0o755)
            write_atomic(self._drop_in(unit), guards[unit], 0o644)
        for unit in lift:
            remove_file(self._drop_in(unit))
            # Somebody's own drop-ins keep the directory.
            with contextlib.suppress(OSError), open_directory(self._units) as units:
                os.rmdir(f"{unit}.d", dir_fd=units)
        if lay or lift:
            self._reload()
        if planned.record is None and current is not None:
            self._remove()
        return bool(lay or lift)

    def _unit_of(self, service: str) -> str:
        """The unit's own name: an alias has drop-ins, too, but nobody would search for them there."""
        completed = self._run(Command(["systemctl", "show", "--property=Id", "--value", service]))
        name = completed.stdout.strip() if completed.ok else ""
        unit = name or (service if "." in service else f"{service}.service")
        if not _UNIT.match(unit):
            raise HostError(f"service: '{service}' is not the name of a systemd unit")
        return unit

    def _drop_in(self, unit: str) -> str:
        return posixpath.join(self._units, f"{unit}.d", DROP_IN)

    def _guard(self, unit: str) -> str:
        return (
            "# Written by pgdr.barman.recovery_record. A recovery works on the data of {}, or stopped there, and "
            "nothing has proven what is\n"
            "# in the data directory. The unit can be started when this file is gone: see docs/recovery.md of "
            "pgdr.barman.\n"
            "[Unit]\nAssertPathExists=!{}\n".format(unit, self.path.replace("%", "%%"))
        )

    def _reload(self) -> None:
        completed = self._run(Command(["systemctl", "daemon-reload"]))
        if not completed.ok:
            raise HostError(f"systemd can't reload {DROP_IN}: {completed.text}")

    @contextlib.contextmanager
    def _beside(self) -> Iterator[int]:
        """The directory that holds the data directory, as its owner."""
        directory = posixpath.dirname(self._directory)
        owner = os.stat(directory).st_uid
        with acting_as(_name_of(owner) if os.geteuid() == 0 and owner != 0 else None):
            handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
            try:
                if os.fstat(handle).st_uid != owner:
                    raise HostError(f"{directory} was replaced while it was opened")
                yield handle
            finally:
                os.close(handle)

    def _write(self, record: Record) -> None:
        name = posixpath.basename(self.path)
        temporary = f".{name}.new"
        try:
            with self._beside() as parent:
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(temporary, dir_fd=parent)
                handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=parent)
                with os.fdopen(handle, "w", encoding="utf-8") as stream:
                    stream.write(json.dumps(record.as_dict(), sort_keys=True, indent=1) + "\n")
                    stream.flush()
                    os.fsync(stream.fileno())
                os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
                os.fsync(parent)
        except OSError as exc:
            raise HostError(f"{self.path} can't be written: {exc.strerror}") from None

    def _remove(self) -> None:
        try:
            with self._beside() as parent:
                os.unlink(posixpath.basename(self.path), dir_fd=parent)
                os.fsync(parent)
        except FileNotFoundError:
            return
        except OSError as exc:
            raise HostError(f"{self.path} can't be removed: {exc.strerror}") from None


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise HostError(f"the directory beside the data belongs to the user id {uid}, which has no account") from None


def is_unproven_restore(data_directory: str, runner: Runner) -> bool:
    """Whether, by the record, a recovery left what is in the data directory. Raises HostError if it can't be read."""
    directory = normal_path(data_directory)
    applied = RecordFiles(directory, runner).apply(
        recovery_record.Request(recovery_record.RecordEvent.READ, directory), check_mode=True
    )
    if applied.record is None:
        return False
    return recovery_record.standing(applied.record, applied.exists).content is recovery_record.Content.UNPROVEN
