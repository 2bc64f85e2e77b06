# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a host was before this collection changed it: the record by which a decommission restores it.

This module util is private to the collection. The first deployment writes it before it changes anything, and what is recorded is never replaced. The
file belongs to root, and has no secret.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from .files import names_in, read_text, write_atomic
from .installed import missing_users
from .process import HostError, lookup_user
from .safe_files import ids_of, make_directories, remove_file, writing_as

PATH = "/var/lib/pgdr.barman/record.json"
#: What a user's directory of SSH gets beside a key, and what that directory is itself. The order is that of their removal.
SSH_FILES = ("authorized_keys", "known_hosts", "")
_PRIVATE, _PUBLIC = "id_ed25519", "id_ed25519.pub"
_FRAME = "-----"


@dataclass(frozen=True)
class FormerSetting:
    """former: what ALTER SYSTEM had written before, None for nothing. written: what a deployment wrote last."""

    former: str | None
    written: str


@dataclass(frozen=True)
class HostRecord:
    """packages: those that a deployment installed. ssh: by user, the names of SSH_FILES that did not exist.

    keys: by user, the public key of the key pair that a deployment created.
    settings, roles: by the port of the PostgreSQL server, the settings that a deployment wrote, and the database roles that it created.
    """

    packages: tuple[str, ...] = ()
    ssh: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, FormerSetting]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    keys: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it waits to be restored. Packages stay on the host in any case."""
        return not (any(self.ssh.values()) or self.keys or any(self.settings.values()) or any(self.roles.values()))

    def with_packages(self, packages: Iterable[str]) -> HostRecord:
        return replace(self, packages=tuple(dict.fromkeys((*self.packages, *packages))))

    def with_missing(self, missing: Mapping[str, Iterable[str]]) -> HostRecord:
        """missing: by user, the names of SSH_FILES that do not exist now."""
        added = {user: tuple(dict.fromkeys((*self.ssh.get(user, ()), *names))) for user, names in missing.items()}
        return replace(self, ssh={**self.ssh, **{user: names for user, names in added.items() if names}})

    def with_keys(self, created: Mapping[str, str]) -> HostRecord:
        """created: by user, the public key of a key pair that was created now. It replaces an earlier one, which was lost."""
        return replace(self, keys={**self.keys, **{user: _without_comment(key) for user, key in created.items()}})

    def with_settings(self, port: int, written: Iterable[Mapping[str, Any]]) -> HostRecord:
        """written: dictionaries with name, altered (what ALTER SYSTEM wrote before) and desired."""
        there = dict(self.settings.get(str(port), {}))
        for one in written:
            name, altered = str(one["name"]), one.get("altered")
            first = there.get(name) or FormerSetting(None if altered is None else str(altered), "")
            there[name] = FormerSetting(first.former, str(one["desired"]))
        return replace(self, settings={**self.settings, str(port): there}) if there else self

    def without_settings(self, port: int, names: Collection[str]) -> HostRecord:
        there = {name: one for name, one in self.settings.get(str(port), {}).items() if name not in names}
        return replace(self, settings={**self.settings, str(port): there})

    def with_roles(self, port: int, names: Iterable[str]) -> HostRecord:
        there = tuple(dict.fromkeys((*self.roles.get(str(port), ()), *names)))
        return replace(self, roles={**self.roles, str(port): there}) if there else self

    def without_roles(self, port: int, names: Collection[str]) -> HostRecord:
        there = tuple(name for name in self.roles.get(str(port), ()) if name not in names)
        return replace(self, roles={**self.roles, str(port): there})


def read_record(path: str = PATH) -> HostRecord:
    """The record; an empty one if there is none. Raises HostError if it can't be read."""
    text = read_text(path)
    if text is None:
        return HostRecord()
    try:
        data = json.loads(text)
        return HostRecord(
            tuple(data["packages"]),
            {user: tuple(names) for user, names in data["ssh"].items()},
            {
                port: {name: FormerSetting(one["former"], one["written"]) for name, one in settings.items()}
                for port, settings in data["settings"].items()
            },
            {port: tuple(names) for port, names in data["roles"].items()},
            dict(data["keys"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise HostError(
            f"{path} is not the record of this collection ({exc}): move it away, and run this again"
        ) from None


def as_plain(record: HostRecord) -> dict[str, Any]:
    """The record as the file has it, without what is empty."""
    return {
        "packages": list(record.packages),
        "ssh": {user: list(names) for user, names in record.ssh.items() if names},
        "settings": {
            port: {name: {"former": one.former, "written": one.written} for name, one in settings.items()}
            for port, settings in record.settings.items()
            if settings
        },
        "roles": {port: list(names) for port, names in record.roles.items() if names},
        "keys": dict(record.keys),
    }


def write_record(record: HostRecord, path: str = PATH) -> None:
    """Raises HostError."""
    make_directories(os.path.dirname(path), 0o755, ids_of("root") if os.geteuid() == 0 else None)
    text = json.dumps(as_plain(record), indent=2, sort_keys=True) + "\n"
    write_atomic(path, text, 0o644, "root" if os.geteuid() == 0 else None)


def remove_record(path: str = PATH) -> None:
    """Remove the file and its directory. Raises HostError."""
    if read_text(path) is not None:
        remove_file(path)
    directory = os.path.dirname(path)
    if os.path.isdir(directory) and not names_in(directory):
        with writing_as(None, directory):
            os.rmdir(directory)


def missing_ssh_files(users: Iterable[str]) -> dict[str, list[str]]:
    """By user, which of SSH_FILES do not exist. A user that does not exist is left out."""
    found: dict[str, list[str]] = {}
    for user in users:
        if missing_users([user]):
            continue
        directory = ssh_directory(user)
        # Root can enter it, and only whether something is there decides.
        found[user] = [name for name in SSH_FILES if not os.path.lexists(os.path.join(directory, name))]
    return found


def is_recorded(record: HostRecord, users: Collection[str]) -> bool:
    """Whether the record has every file of SSH that these users lack. False if a user does not exist."""
    missing = missing_ssh_files(users)
    return set(users) <= missing.keys() and all(
        set(names) <= set(record.ssh.get(user, ())) for user, names in missing.items()
    )


def ssh_directory(user: str) -> str:
    return os.path.join(lookup_user(user).pw_dir, ".ssh")


@dataclass(frozen=True)
class SshRemoval:
    """paths: what goes, with its user. left: recorded files that have something of other owners, and keys that replaced those of a deployment."""

    paths: tuple[tuple[str, str], ...] = ()
    left: tuple[str, ...] = ()


def plan_removal(record: HostRecord) -> SshRemoval:
    """A key goes if it is the recorded one, a list of keys if it is empty, and the directory if nothing is in it then. Raises HostError."""
    paths: list[tuple[str, str]] = []
    left: list[str] = []
    for user in sorted({*record.ssh, *record.keys}):
        if missing_users([user]):
            continue
        names = record.ssh.get(user, ())
        directory = ssh_directory(user)
        there = set(names_in(directory))
        for name in [one for one in (_PRIVATE, _PUBLIC) if user in record.keys and one in there]:
            path = os.path.join(directory, name)
            if _is_key(read_text(path) or "", record.keys[user]):
                paths.append((user, path))
                there.discard(name)
            else:
                left.append(path)
        for name in [one for one in SSH_FILES if one in names and (one in there or not one)]:
            path = os.path.join(directory, name)
            if not name:
                if os.path.isdir(directory) and not there:
                    paths.append((user, directory))
            elif not (read_text(path) or "").strip():
                paths.append((user, path))
                there.discard(name)
            else:
                left.append(path)
    return SshRemoval(tuple(paths), tuple(left))


def _without_comment(key: str) -> str:
    return " ".join(key.split()[:2])


def _is_key(text: str, public: str) -> bool:
    """Whether the text is this public key, or the file of its private key, which has the public one unencrypted (OpenSSH's PROTOCOL.key)."""
    if not text.startswith(_FRAME):
        return _without_comment(text) == public
    try:
        content = base64.b64decode("".join(line for line in text.splitlines() if not line.startswith(_FRAME)))
        return base64.b64decode(public.split()[1]) in content
    except (ValueError, IndexError):
        return False


def apply_removal(removal: SshRemoval) -> None:
    """Raises HostError."""
    for user, path in removal.paths:
        if os.path.isdir(path):
            with writing_as(user, path):
                os.rmdir(path)
        else:
            remove_file(path)
