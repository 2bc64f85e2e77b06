# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hook scripts in their directory on a backup server, and the credentials that they use.

This module util is private to the collection. Scripts are root's, and Barman may run and not change them. A list beside
them says which were put there, so that no others are removed.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.files import names_in, read_text, write_atomic
from .._host.identity import acting_as
from .._host.process import HostError, lookup_user

LIST = ".made-by-pgdr.barman.json"
SCRIPT_MODE = 0o750
DIRECTORY_MODE = 0o755
SECRET_MODE = 0o600
#: Never removed: without it Barman would start a retry hook of an entry that it read before again for ever.
RUNNER = "run-hook"


@dataclass(frozen=True)
class Wanted:
    """What is to be there. credentials: None where there are none to be."""

    directory: str
    user: str
    scripts: Mapping[str, str]
    credentials_file: str | None = None
    credentials: str | None = field(default=None, repr=False)
    prune: bool = False


@dataclass(frozen=True)
class File:
    """A file as it is. owned: it has the owner, group and mode that it should have."""

    text: str = field(repr=False)
    owned: bool = True


@dataclass(frozen=True)
class Found:
    """What is there. made: the names that were put there before."""

    directory_ready: bool
    files: Mapping[str, File]
    made: frozenset[str]
    credentials: File | None = None


@dataclass(frozen=True)
class Plan:
    """What has to be done. problems: why nothing may be."""

    make_directory: bool = False
    write: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    made: frozenset[str] | None = None
    write_credentials: bool = False
    remove_credentials: bool = False
    problems: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(
            self.make_directory or self.write or self.remove or self.write_credentials or self.remove_credentials
        )


def make_plan(wanted: Wanted, found: Found) -> Plan:
    problems = [
        "%s is there and was not put there by this collection: remove it, or set barman_hook_directory to another directory"
        % os.path.join(wanted.directory, name)
        for name, text in sorted(wanted.scripts.items())
        if name in found.files and name not in found.made and found.files[name].text != text
    ]
    if problems:
        return Plan(problems=tuple(problems))
    write = {
        name: text
        for name, text in sorted(wanted.scripts.items())
        if name not in found.files or found.files[name].text != text or not found.files[name].owned
    }
    gone = found.made - set(wanted.scripts) - {RUNNER} if wanted.prune else frozenset()
    made = (found.made | set(wanted.scripts)) - gone
    has, want = found.credentials, wanted.credentials
    return Plan(
        make_directory=bool(wanted.scripts) and not found.directory_ready,
        write=write,
        remove=tuple(sorted(name for name in gone if name in found.files)),
        made=frozenset(made) if made != found.made else None,
        write_credentials=want is not None and (has is None or has.text != want or not has.owned),
        remove_credentials=wanted.prune and want is None and has is not None,
    )


def look(wanted: Wanted, owner: str = "root") -> Found:
    """What is there now. Raises HostError."""
    ids = (lookup_user(owner).pw_uid, lookup_user(wanted.user).pw_gid)
    try:
        made = frozenset(json.loads(read_text(os.path.join(wanted.directory, LIST)) or "[]"))
    except (ValueError, TypeError):
        raise HostError("%s is not a list of names: remove it" % os.path.join(wanted.directory, LIST)) from None
    files = {}
    for name in names_in(wanted.directory):
        if name in made or name in wanted.scripts:
            files[name] = _file(os.path.join(wanted.directory, name), *ids, SCRIPT_MODE)
    return Found(
        directory_ready=_is_ours(wanted.directory, ids[0]),
        files=files,
        made=made,
        credentials=_credentials(wanted),
    )


def _credentials(wanted: Wanted) -> File | None:
    if wanted.credentials_file is None:
        return None
    account = lookup_user(wanted.user)
    with acting_as(wanted.user):
        if not os.path.lexists(wanted.credentials_file):
            return None
        return _file(wanted.credentials_file, account.pw_uid, account.pw_gid, SECRET_MODE)


def _file(path: str, uid: int, gid: int, mode: int) -> File:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise HostError("%s is no file: remove it" % path)
    owned = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (uid, gid, mode)
    return File(read_text(path) or "", owned)


def _is_ours(directory: str, uid: int) -> bool:
    """Whether nobody else can put a script there."""
    try:
        status = os.stat(directory)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise HostError("%s can't be read: %s" % (directory, exc.strerror)) from None
    return status.st_uid == uid and not status.st_mode & 0o022 and status.st_mode & 0o005 == 0o005


def apply(plan: Plan, wanted: Wanted, owner: str = "root") -> None:
    """Do what the plan says. Raises HostError."""
    try:
        if plan.make_directory:
            os.makedirs(wanted.directory, mode=DIRECTORY_MODE, exist_ok=True)
            os.chown(wanted.directory, lookup_user(owner).pw_uid, lookup_user(owner).pw_gid)
            os.chmod(wanted.directory, DIRECTORY_MODE)
        for name, text in plan.write.items():
            write_atomic(os.path.join(wanted.directory, name), text, SCRIPT_MODE, owner, group_of=wanted.user)
        for name in plan.remove:
            os.unlink(os.path.join(wanted.directory, name))
        if plan.made is not None:
            text = json.dumps(sorted(plan.made), indent=1) + "\n"
            write_atomic(os.path.join(wanted.directory, LIST), text, 0o644, owner)
        if plan.write_credentials or plan.remove_credentials:
            _put_credentials(str(wanted.credentials_file), wanted)
    except OSError as exc:
        raise HostError("%s: %s" % (exc.filename or wanted.directory, exc.strerror)) from None


def _put_credentials(path: str, wanted: Wanted) -> None:
    # In the user's own directory, as the user: root would follow a link that the user has put there.
    with acting_as(wanted.user):
        if wanted.credentials is None:
            os.unlink(path)
            return
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write_atomic(path, wanted.credentials, SECRET_MODE)


def diff(plan: Plan, wanted: Wanted, found: Found) -> list[dict[str, Any]]:
    """What Ansible shows; of credentials only that they change."""
    shown = []
    for name, text in plan.write.items():
        before = found.files.get(name)
        shown.append(_shown(os.path.join(wanted.directory, name), before.text if before else "", text))
    for name in plan.remove:
        shown.append(_shown(os.path.join(wanted.directory, name), found.files[name].text, ""))
    if plan.write_credentials or plan.remove_credentials:
        before_text = "" if found.credentials is None else "(not shown)\n"
        after_text = "(not shown, changed)\n" if plan.write_credentials else ""
        shown.append(_shown(str(wanted.credentials_file), before_text, after_text))
    return shown


def _shown(path: str, before: str, after: str) -> dict[str, Any]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def ensure(wanted: Wanted, check_mode: bool, identity: Callable[[], int] = os.geteuid) -> tuple[Plan, Found]:
    """Have it so. Raises HostError."""
    if identity() != 0:
        raise HostError("scripts that Barman runs and must not change are put there by root: set 'become: true'")
    found = look(wanted)
    plan = make_plan(wanted, found)
    if plan.problems:
        raise HostError("; ".join(plan.problems))
    if not check_mode and (plan.changed or plan.made is not None):
        apply(plan, wanted)
    return plan, found
