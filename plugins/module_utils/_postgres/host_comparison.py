# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a host has what a server requires that is about to be restored there.

This module util is private to the collection. The proof of a recovery finds the same, but only after the old server was stopped.
"""

from __future__ import annotations

import locale
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from .._host.process import Command, HostError, Runner
from .data_directory import find_bin_directory
from .host_requirements import LOCALE_SETTINGS, PRELOAD_SETTINGS, HostRequirements, library_names, parse
from .start_settings import StartSettings, read_start_settings

_AUTOMATIC = "postgresql.auto.conf"
_SEARCH_PATH = "dynamic_library_path"
_LOCALE_REMEDY = "Create it there (on Debian and Ubuntu a line in /etc/locale.gen and locale-gen, on Red Hat's family the package glibc-langpack-LANGUAGE)"
_LIBRARY_REMEDY = "Install the package of its extension there, for this version of PostgreSQL"
# Every build of PostgreSQL has this library.
_ALWAYS_THERE = "plpgsql.so"


RequirementsOrigin = Literal["", "server", "record"]
_ORIGINS: Mapping[str, RequirementsOrigin] = {"server": "server", "record": "record"}


@dataclass(frozen=True)
class ComparedServer:
    """What is about to be restored, as the backup server knows it.

    origin: where the requirements are from: "server" if PostgreSQL answered, "record" if the backup server recorded them at time; "" if they are
    not known. files: the settings in the configuration files of the backup, None if these can't be read. managers: the custom WAL resource
    managers whose records are replayed, None if the WAL was not read. tablespaces: the locations of those that the replay creates.
    """

    requirements: HostRequirements | None = None
    origin: RequirementsOrigin = ""
    time: str = ""
    reason: str = ""
    files: Mapping[str, Mapping[str, str]] | None = None
    managers: Sequence[int] | None = None
    tablespaces: Sequence[str] = ()

    @property
    def source(self) -> str:
        return "as PostgreSQL reported" if self.origin == "server" else f"as recorded at {self.time}"

    @property
    def settings(self) -> dict[str, str]:
        """The settings that are restored with the data directory; the last file counts."""
        if self.files is None:
            return {} if self.requirements is None else self.requirements.restored_settings
        return {name: value for text in self.files.values() for name, value in text.items()}


def restored_from(value: Mapping[str, Any]) -> ComparedServer:
    """From what the module recover returns as recovery.requirements."""
    files = value.get("files")
    managers = value.get("resource_managers")
    return ComparedServer(
        requirements=parse(value.get("server")),
        origin=_ORIGINS.get(str(value.get("origin")), ""),
        time=str(value.get("time") or ""),
        reason=str(value.get("reason") or ""),
        files={str(name): dict(text) for name, text in files.items()} if isinstance(files, Mapping) else None,
        managers=[int(one) for one in managers] if isinstance(managers, (list, tuple)) else None,
        tablespaces=[str(one) for one in value.get("created_tablespaces") or ()],
    )


class HasLibrary(Protocol):
    """Whether a library is installed. local: where users without privileges can load it, too."""

    def __call__(self, name: str, *, local: bool) -> bool:
        """Return whether it is."""
        raise NotImplementedError


@dataclass(frozen=True)
class Host:
    """What is on the host to recover to. has_library: None if the directory of PostgreSQL's libraries was not found."""

    has_locale: Callable[[str], bool]
    has_library: HasLibrary | None
    # The configuration that is on the host and stays, such as Debian's; without a file if there is none.
    configured: StartSettings = field(default_factory=StartSettings)
    has_directory: Callable[[str], bool] = os.path.isdir


@dataclass(frozen=True)
class Comparison:
    """problems: why the recovered server would not start or could not be used. not_compared: what only the proof can find."""

    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)


def compare(restored: ComparedServer, host: Host) -> Comparison:
    """Everything at once."""
    effective, places = _effective(restored, host.configured)
    found = Comparison()
    found.problems.extend(_missing_locales(restored, effective, places, host))
    found.problems.extend(_missing_libraries(restored, effective, places, host))
    found.problems.extend(_missing_managers(restored, effective, places))
    found.problems.extend(_missing_directories(restored, host))
    found.warnings.extend(_not_preloaded(restored, effective, places))
    found.not_compared.extend(_unknown(restored, host))
    return found


def _effective(restored: ComparedServer, configured: StartSettings) -> tuple[dict[str, str], dict[str, str]]:
    """The settings that the recovered server starts with, and where each is from."""
    names = (*PRELOAD_SETTINGS, *LOCALE_SETTINGS)
    values = {name: configured.values[name] for name in names if configured.values.get(name)}
    places = dict.fromkeys(values, configured.file)
    for name, value in restored.settings.items():
        # A postgresql.conf beside the data directory replaces the one in it, and postgresql.auto.conf replaces both.
        replaced = configured.file and restored.files is not None and name not in restored.files.get(_AUTOMATIC, {})
        if name in names and not replaced:
            values[name] = value
            places[name] = "the configuration in the backup"
    return {name: value for name, value in values.items() if value}, places


def _missing_locales(
    restored: ComparedServer, effective: Mapping[str, str], places: Mapping[str, str], host: Host
) -> list[str]:
    users: dict[str, list[str]] = {}
    databases = {} if restored.requirements is None else restored.requirements.databases
    for database, locales in databases.items():
        for one in dict.fromkeys(locales):
            users.setdefault(one, []).append(f"database '{database}' ({restored.source})")
    for name in LOCALE_SETTINGS:
        if effective.get(name):
            users.setdefault(effective[name], []).append(f"{name} in {places[name]}")
    return [
        "this host does not have the locale {}, which these need: {}. {}".format(
            one, ", ".join(of), _LOCALE_REMEDY.replace("LANGUAGE", one.partition("_")[0])
        )
        for one, of in users.items()
        if not host.has_locale(one)
    ]


def _missing_libraries(
    restored: ComparedServer, effective: Mapping[str, str], places: Mapping[str, str], host: Host
) -> list[str]:
    if host.has_library is None:
        return []
    users: dict[tuple[str, bool], list[str]] = {}
    for name in PRELOAD_SETTINGS:
        for library in library_names(effective.get(name, "")):
            users.setdefault((library, _is_local(name)), []).append(f"{name} in {places[name]}")
    own = {} if restored.requirements is None else restored.requirements.own_settings
    for owner, settings in own.items():
        for name, value in settings.items():
            for library in library_names(value):
                users.setdefault((library, _is_local(name)), []).append(f"{name} of {owner} ({restored.source})")
    return [
        f"this host does not have the library {library}: {', '.join(of)}. {_LIBRARY_REMEDY}"
        for (library, local), of in users.items()
        if not host.has_library(library, local=local)
    ]


def _is_local(name: str) -> bool:
    return name == "local_preload_libraries"


def _missing_directories(restored: ComparedServer, host: Host) -> list[str]:
    return [
        (
            f"the WAL up to the target creates a tablespace in {path}. This host has no such directory, so PostgreSQL "
            "would "
            "stop there. Create it, owned by PostgreSQL's user, with mode 0700"
        )
        for path in restored.tablespaces
        if not host.has_directory(path)
    ]


def _missing_managers(restored: ComparedServer, effective: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
    """Only a library of shared_preload_libraries can replay the records of a custom resource manager."""
    if not restored.managers:
        return []
    setting = "shared_preload_libraries"
    known = restored.requirements
    there = library_names(effective.get(setting, ""))
    on_server = library_names(known.settings.get(setting, "")) if known is not None else []
    if there and (not on_server or set(there) & set(on_server)):
        return []
    named = {} if known is None else known.managers
    listed = ", ".join(f"{one}{(f' ({named[str(one)]})' if str(one) in named else '')}" for one in restored.managers)
    now = f"it is {effective[setting]} in {places[setting]}" if there else "it is empty"
    before = f" The server has: {', '.join(on_server)} ({restored.source})." if on_server else ""
    return [
        (
            f"the WAL contains records of the custom resource managers {listed}. Only a library of "
            "shared_preload_libraries "
            f"can replay them, and on this host {now}.{before} Install the extension's package there and set "
            "shared_preload_libraries"
        )
    ]


def _not_preloaded(restored: ComparedServer, effective: Mapping[str, str], places: Mapping[str, str]) -> list[str]:
    """A server without them starts, and what uses them fails or does nothing."""
    setting = "shared_preload_libraries"
    if restored.requirements is None:
        return []
    there = library_names(effective.get(setting, ""))
    missing = [one for one in library_names(restored.requirements.settings.get(setting, "")) if one not in there]
    if not missing:
        return []
    return [
        (
            "shared_preload_libraries of the recovered server will not contain {}, which the server has ({}). If the "
            "recovered server needs it too, set it on this host ({})"
        ).format(", ".join(missing), restored.source, places.get(setting, "no file contains it"))
    ]


def _unknown(restored: ComparedServer, host: Host) -> list[str]:
    found: list[str] = []
    if restored.requirements is None:
        found.append("locales of the databases: %s" % (restored.reason or "they are not known"))
    if restored.files is None and restored.requirements is None:
        found.append(
            "settings in the backup: its configuration files are compressed, encrypted or not on the backup server"
        )
    if restored.managers is None:
        found.append("resource managers of extensions: the WAL was not read")
    if host.has_library is None:
        found.append("libraries: the directory of PostgreSQL's libraries was not found")
    return found


def would_start(restored: ComparedServer) -> list[str]:
    """What a copy on another host would do to other servers, while its production server runs."""
    known = restored.requirements
    if known is None:
        return [
            (
                "not known (%s). Subscriptions, pg_cron jobs and archiving are read after the restore of the backup, "
                "before the copy starts"
            )
            % (restored.reason or "PostgreSQL was not queried")
        ]
    found: list[str] = []
    if known.subscriptions:
        found.append(f"subscriptions {', '.join(known.subscriptions)} ({restored.source})")
    if known.cron_database:
        found.append(f"pg_cron in database '{known.cron_database}' ({restored.source})")
    return found


# Observation


def has_locale(name: str) -> bool:
    """Whether the C library of this host knows the locale; PostgreSQL calls the same function."""
    if not name:
        return True
    before = locale.setlocale(locale.LC_COLLATE)
    try:
        locale.setlocale(locale.LC_COLLATE, name)
    except locale.Error:
        return False
    finally:
        locale.setlocale(locale.LC_COLLATE, before)
    return True


def library_directory(bin_directory: str, runner: Runner) -> str | None:
    """Where PostgreSQL's libraries are ($libdir); None if that is not known. A host without development packages may lack pg_config."""
    places: list[str] = []
    program = os.path.join(bin_directory, "pg_config")
    if os.access(program, os.X_OK):
        try:
            places.append(runner(Command([program, "--pkglibdir"], timeout=60)).stdout.strip())
        except HostError:
            places = []
    above = os.path.dirname(os.path.realpath(bin_directory))
    places += [os.path.join(above, name) for name in ("lib", "lib/postgresql", "lib64/pgsql", "lib/pgsql")]
    return next((one for one in places if one and os.path.exists(os.path.join(one, _ALWAYS_THERE))), None)


def library_finder(directory: str | None, search_path: str) -> HasLibrary | None:
    """A function that finds out whether a library is installed. search_path: the setting dynamic_library_path."""
    if directory is None:
        return None
    found_in = directory
    places = [one.replace("$libdir", found_in) for one in (search_path or "$libdir").split(":") if one]

    def has(name: str, *, local: bool) -> bool:
        if "/" in name:
            return _is_file(name.replace("$libdir", found_in))
        # A user without privileges can load libraries of this directory only.
        where = [os.path.join(found_in, "plugins")] if local else places
        return any(_is_file(os.path.join(place, name)) for place in where)

    return has


def _is_file(path: str) -> bool:
    return os.path.isfile(path) or os.path.isfile(path + ".so")


def not_restored(settings: StartSettings, data_directory: str) -> StartSettings:
    """The configuration that stays on the host. One in the data directory is replaced by the backup's."""
    inside = os.path.realpath(os.path.dirname(settings.file)) == os.path.realpath(data_directory)
    return StartSettings() if inside or not settings.file else settings


_NAMES = dict.fromkeys((*PRELOAD_SETTINGS, *LOCALE_SETTINGS, _SEARCH_PATH), 0)


def compare_this_host(
    restored: ComparedServer,
    data_directory: str,
    major_version: int,
    user: str,
    bin_directory: str | None,
    runner: Runner,
) -> Comparison:
    """Compare with this host. Raises HostError if PostgreSQL's programs are not there."""
    programs = find_bin_directory(major_version, bin_directory, runner)
    settings = read_start_settings(data_directory, major_version, user, programs, runner, names=_NAMES)
    libraries = library_finder(library_directory(programs, runner), settings.values.get(_SEARCH_PATH, ""))
    return compare(restored, Host(has_locale, libraries, not_restored(settings, data_directory)))
