# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hook scripts in their directory on a backup server, and the credentials that they use.

This module util is private to the collection. The scripts belong to root: Barman may run them, and not change them. A list
beside them names those that the collection installed, so that no others are removed. A script that Barman's configuration still names
stays too, because a server in a handover needs it.
"""

from __future__ import annotations

import json
import os
import shlex
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._barman.configuration import Configuration, read
from .._barman.option_table import HOOK_RUNNER, HOOKS
from .._host.files import names_in, read_text, write_atomic
from .._host.identity import acting_as
from .._host.process import HostError, lookup_user
from .._host.result import Result, file_diff
from .._host.safe_files import ids_of, make_directories, remove_file, set_owner_and_mode, writing_as

LIST = ".made-by-pgdr.barman.json"
SCRIPT_MODE = 0o750
DIRECTORY_MODE = 0o755
SECRET_MODE = 0o600


@dataclass(frozen=True)
class DesiredHooks:
    """What is to be there: the texts of scripts and of credentials, by the names of their files."""

    directory: str
    user: str
    scripts: Mapping[str, str]
    credentials_directory: str | None = None
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    prune: bool = False


@dataclass(frozen=True)
class HookFile:
    """A file as it is. owned: it has the owner, group and mode that it should have."""

    text: str = field(repr=False)
    owned: bool = True


@dataclass(frozen=True)
class CurrentHooks:
    """What is there. made: the scripts that were put there before. in_use: the paths that Barman's configuration names."""

    directory_ready: bool
    files: Mapping[str, HookFile]
    made: frozenset[str]
    credentials: Mapping[str, HookFile] = field(default_factory=dict)
    in_use: frozenset[str] = frozenset()


@dataclass(frozen=True)
class HookPlan:
    """What has to be done. problems: why nothing may be."""

    make_directory: bool = False
    write: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    made: frozenset[str] | None = None
    write_credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    remove_credentials: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(
            self.make_directory or self.write or self.remove or self.write_credentials or self.remove_credentials
        )


def make_plan(desired: DesiredHooks, current: CurrentHooks) -> HookPlan:
    problems = [
        (
            f"{os.path.join(desired.directory, name)} exists and was not created by this collection: remove it, or set "
            "barman_hook_directory to another "
            "directory"
        )
        for name, text in sorted(desired.scripts.items())
        if name in current.files and name not in current.made and current.files[name].text != text
    ]
    if problems:
        return HookPlan(problems=tuple(problems))
    # Without its runner, Barman would start a retry hook of an entry that it read before again for ever.
    gone = {
        name
        for name in current.made - set(desired.scripts) - {HOOK_RUNNER}
        if desired.prune and os.path.join(desired.directory, name) not in current.in_use
    }
    made = (current.made | set(desired.scripts)) - gone
    secrets_gone = [
        name
        for name in sorted(set(current.credentials) - set(desired.credentials))
        if desired.prune and os.path.join(desired.credentials_directory or "", name) not in current.in_use
    ]
    return HookPlan(
        make_directory=bool(desired.scripts) and not current.directory_ready,
        write=_different(desired.scripts, current.files),
        remove=tuple(sorted(name for name in gone if name in current.files)),
        made=frozenset(made) if made != current.made else None,
        write_credentials=_different(desired.credentials, current.credentials),
        remove_credentials=tuple(secrets_gone),
    )


def _different(desired: Mapping[str, str], current: Mapping[str, HookFile]) -> dict[str, str]:
    return {
        name: text
        for name, text in sorted(desired.items())
        if name not in current or current[name].text != text or not current[name].owned
    }


def observe(desired: DesiredHooks, configuration: Configuration | None, owner: str = "root") -> CurrentHooks:
    """What is there now. configuration: Barman's, None where there is none. Raises HostError."""
    ids = (lookup_user(owner).pw_uid, lookup_user(desired.user).pw_gid)
    try:
        made = frozenset(json.loads(read_text(os.path.join(desired.directory, LIST)) or "[]"))
    except (ValueError, TypeError):
        raise HostError(f"{os.path.join(desired.directory, LIST)} is not a list of names: remove it") from None
    files = {}
    for name in names_in(desired.directory):
        if name in made or name in desired.scripts:
            files[name] = _file(os.path.join(desired.directory, name), *ids, SCRIPT_MODE)
    return CurrentHooks(
        directory_ready=_is_ours(desired.directory, ids[0]),
        files=files,
        made=made,
        credentials=_credentials(desired),
        in_use=frozenset() if configuration is None else named(configuration),
    )


def named(configuration: Configuration) -> frozenset[str]:
    """Every word of every hook of Barman's configuration."""
    words: set[str] = set()
    for options in (configuration.global_options, *(server.options for server in configuration.servers.values())):
        for hook in HOOKS:
            try:
                words.update(shlex.split(options.get(hook) or ""))
            except ValueError:
                # Not written by us, and its quotes have no end.
                words.update((options.get(hook) or "").split())
    return frozenset(words)


def _credentials(desired: DesiredHooks) -> dict[str, HookFile]:
    if desired.credentials_directory is None:
        return {}
    account = lookup_user(desired.user)
    with acting_as(desired.user):
        return {
            name: _file(os.path.join(desired.credentials_directory, name), account.pw_uid, account.pw_gid, SECRET_MODE)
            for name in names_in(desired.credentials_directory)
        }


def _file(path: str, uid: int, gid: int, mode: int) -> HookFile:
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode):
        raise HostError(f"{path} is not a file: remove it")
    owned = (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (uid, gid, mode)
    return HookFile(read_text(path) or "", owned)


def _is_ours(directory: str, uid: int) -> bool:
    """Whether nobody else can put a script there."""
    try:
        status = os.stat(directory)
    except FileNotFoundError:
        return False
    except OSError as exc:
        raise HostError(f"{directory} can't be read: {exc.strerror}") from None
    return status.st_uid == uid and not status.st_mode & 0o022 and status.st_mode & 0o005 == 0o005


def apply(plan: HookPlan, desired: DesiredHooks, owner: str = "root") -> None:
    """Apply the plan. Raises HostError."""
    try:
        if plan.make_directory:
            make_directories(desired.directory, DIRECTORY_MODE, ids_of(owner))
            set_owner_and_mode(desired.directory, DIRECTORY_MODE, ids_of(owner))
        for name, text in plan.write.items():
            write_atomic(os.path.join(desired.directory, name), text, SCRIPT_MODE, owner, group_of=desired.user)
        for name in plan.remove:
            remove_file(os.path.join(desired.directory, name))
        if plan.made is not None:
            text = json.dumps(sorted(plan.made), indent=1) + "\n"
            write_atomic(os.path.join(desired.directory, LIST), text, 0o644, owner)
        if plan.write_credentials or plan.remove_credentials:
            _put_credentials(plan, desired)
    except OSError as exc:
        raise HostError(f"{exc.filename or desired.directory}: {exc.strerror}") from None


def _put_credentials(plan: HookPlan, desired: DesiredHooks) -> None:
    directory = str(desired.credentials_directory)
    with writing_as(desired.user, directory):
        os.makedirs(os.path.dirname(directory), mode=0o755, exist_ok=True)
        os.makedirs(directory, mode=0o700, exist_ok=True)
        for name, text in plan.write_credentials.items():
            write_atomic(os.path.join(directory, name), text, SECRET_MODE)
        for name in plan.remove_credentials:
            os.unlink(os.path.join(directory, name))


def diff(plan: HookPlan, desired: DesiredHooks, current: CurrentHooks) -> list[dict[str, Any]]:
    """What Ansible shows; of credentials only that they change."""
    shown = []
    for name, text in plan.write.items():
        before = current.files.get(name)
        shown.append(file_diff(os.path.join(desired.directory, name), before.text if before else "", text))
    for name in plan.remove:
        shown.append(file_diff(os.path.join(desired.directory, name), current.files[name].text, ""))
    for name in (*plan.write_credentials, *plan.remove_credentials):
        before_text = "(not shown)\n" if name in current.credentials else ""
        after_text = "(not shown, changed)\n" if name in plan.write_credentials else ""
        shown.append(file_diff(os.path.join(str(desired.credentials_directory), name), before_text, after_text))
    return shown


def ensure(
    desired: DesiredHooks, config_file: str | None, *, check_mode: bool, identity: Callable[[], int] = os.geteuid
) -> tuple[HookPlan, CurrentHooks]:
    """Have it so. Raises HostError."""
    if identity() != 0:
        raise HostError("only root can install scripts that Barman runs and must not change: set 'become: true'")
    # Only what is removed must not be named.
    current = observe(desired, read(config_file, desired.user) if desired.prune else None)
    plan = make_plan(desired, current)
    if plan.problems:
        raise HostError("; ".join(plan.problems))
    if not check_mode and (plan.changed or plan.made is not None):
        apply(plan, desired)
    return plan, current


def install_hooks(params: Mapping[str, Any], *, check_mode: bool) -> Result:
    """The operation of the module hook_scripts. Raises HostError."""
    scripts, credentials = params["scripts"], params["credentials"]
    invalid = sorted(name for name in [*scripts, *credentials] if not name or "/" in name or name.startswith("."))
    if invalid:
        raise HostError(f"{', '.join(map(repr, invalid))} can't be the name of a file")
    if credentials and params["credentials_directory"] is None:
        raise HostError("credentials need credentials_directory")
    desired = DesiredHooks(
        directory=params["directory"],
        user=params["user"],
        scripts={name: str(text) for name, text in scripts.items()},
        credentials_directory=params["credentials_directory"],
        credentials={name: str(text) for name, text in credentials.items()},
        prune=params["prune"],
    )
    plan, current = ensure(desired, params["config_file"], check_mode=check_mode)
    values = {"written": list(plan.write), "removed": list(plan.remove)}
    return Result(plan.changed, values, diff=diff(plan, desired, current))
