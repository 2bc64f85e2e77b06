# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's configuration files as values: the desired entries, the files as they are, and what changes.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._barman.options import render_value
from .._barman.versions import NEWEST, Version
from .ini_text import OPTION, section_names

MARK = "# Made by Ansible (pgdr.barman.server)."
HEADER = MARK + " The next run overwrites manual changes.\n"
COPY_MAIN_FILE = "barman.conf"
# A server's entry may hold passwords: Barman's user reads it, and nobody else.
ENTRY_MODE = 0o600
_HOST = re.compile(r"^# For the inventory host (\S+)\.$", re.MULTILINE)


@dataclass(frozen=True)
class DesiredEntry:
    """A server's entry as it is declared.

    host: the inventory host that it is for, noted in its file. merge: these options are put into the entry of ours that
    is there, and nothing is done if there is none.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    present: bool = True
    host: str | None = None
    merge: bool = False


@dataclass(frozen=True)
class DesiredConfiguration:
    """What is declared.

    global_options: of the [barman] section; None if it is not managed. keep: the inventory hosts whose entries prune leaves. handover: the way
    by which WAL comes now stays beside the new one.
    """

    entries: Sequence[DesiredEntry] = ()
    global_options: Mapping[str, Any] | None = None
    prune: bool = False
    adopt: bool = False
    keep: Collection[str] = ()
    handover: bool = False


@dataclass(frozen=True)
class ConfigurationFile:
    """A file as it is. right: whether its owner and mode are those of an entry."""

    text: str
    right: bool = True

    @property
    def ours(self) -> bool:
        return self.text.startswith(MARK)


@dataclass(frozen=True)
class CurrentConfiguration:
    """The configuration as it is on the host.

    files: the *.conf files of the directory. automatic: what .barman.auto.conf overrides, by section.
    main: the main file's text; None if it does not exist.
    """

    main_file: str
    directory: str
    main: str | None = None
    files: Mapping[str, ConfigurationFile] = field(default_factory=dict)
    automatic: Mapping[str, Collection[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class FileChange:
    """One file's change. before None: it is new; after None: it goes away. backup: what was there is kept aside."""

    path: str
    before: str | None
    after: str | None
    backup: bool = False

    @property
    def entry(self) -> bool:
        """Whether it becomes a file of ours."""
        return self.after is not None and self.after.startswith(MARK)


@dataclass(frozen=True)
class ConfigurationPlan:
    """What has to be done; problems where it can't be done at all, then nothing is.

    handing_over: what entries still have that is not declared any more. former_slots: those that receivers had before. unlisted: the
    entries of ours that are not declared, or not so, and stay. directories: those of servers that have to be made.
    """

    changes: Sequence[FileChange] = ()
    problems: Sequence[str] = ()
    warnings: Sequence[str] = ()
    removed: Sequence[str] = ()
    handing_over: Mapping[str, Sequence[str]] = field(default_factory=dict)
    former_slots: Mapping[str, Sequence[str]] = field(default_factory=dict)
    unlisted: Sequence[Mapping[str, Any]] = ()
    directories: Mapping[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        return bool(self.changes or self.directories)


def entry_path(directory: str, name: str) -> str:
    return os.path.join(directory, name + ".conf")


def needs_version(desired: DesiredConfiguration) -> bool:
    """Whether what is written depends on Barman's version: see written()."""
    options = [desired.global_options or {}, *(entry.options for entry in desired.entries)]
    return any("%" in str(value) for values in options for value in values.values())


def written(name: str, value: Any, version: Version) -> str:
    """An option's value as a file for that Barman version has it. Raises ValueError.

    Barman 3.10 and later copy every file from one parser to another, and each takes one level of "%%" away.
    """
    text = render_value(name, value)
    return text.replace("%", "%%") if version >= (3, 10) else text


def render_entry(entry: DesiredEntry, version: Version = NEWEST) -> str:
    """The file of one server. An option whose value is None is not written: Barman's default is meant."""
    lines = [f"{name} = {written(name, value, version)}" for name, value in given_options(entry.options)]
    note = f"# For the inventory host {entry.host}.\n" if entry.host else ""
    return "{}{}\n[{}]\n{}".format(HEADER, note, entry.name, "".join(line.rstrip() + "\n" for line in lines))


def is_there(current: CurrentConfiguration, entry: DesiredEntry) -> bool:
    """Whether there is an entry of ours for that server."""
    file = current.files.get(entry_path(current.directory, entry.name))
    return file is not None and file.ours and entry.name in section_names(file.text)


def given_options(options: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted((str(name), value) for name, value in options.items() if value is not None)


def is_renderable(entry: DesiredEntry) -> bool:
    """Whether its values can be written; declaration_problems has the reasons."""
    return not render_problems(entry.options, "")


def render_problems(options: Mapping[str, Any], where: str) -> list[str]:
    found: list[str] = []
    for name, value in given_options(options):
        try:
            render_value(name, value)
        except ValueError as exc:
            found.append(f"{where}: {exc}")
        if name.endswith("conninfo") and not all("=" in part for part in str(value).split()):
            found.append(
                f"{where}: {name}: Barman splits a connection string at every blank, so no value in it can contain "
                "one, and it does "
                "not support URLs. Write key=value pairs, and write such a password to .pgpass"
            )
        if not OPTION.match(f"{name} = x") or name != name.strip():
            found.append(f"{where}: {name!r} can't be the name of an option")
    return found


def host_of(text: str) -> str | None:
    found = _HOST.search(text)
    return found.group(1) if found else None
