# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An existing Barman as it is on this host: entries, schedules, passwords by their places, and PostgreSQL's answers.

This module util is private to the collection. It changes nothing. Barman is run for its version only.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .._barman import catalog
from .._barman.configuration import (
    ACTIVE_MODEL_FILE,
    AUTOMATIC_FILE,
    Configuration,
    ServerConfiguration,
    read,
)
from .._barman.option_table import DIRECTORIES
from .._host import ssh_file
from .._host.files import read_text
from .._host.paths import normal_path
from .._host.process import HostError
from .._postgres import password_file
from .._postgres.password_file import PasswordLine
from .._postgres.questions import AskAll
from .._server import schedule_file
from .._server.entries import MARK, host_of
from .._server.existing import CRON_FILES, TIMERS, files_of, is_filled
from .._server.ini_text import parse_ini, sections_and_options
from .entries import connections, own_options, password_places, public_options
from .keys import foreign_keys
from .postgres import answer_facts, question_about
from .schedules import FoundSchedule, cron_schedules, timer_schedules


@dataclass(frozen=True)
class SystemFiles:
    """Where schedules are. Other patterns are for tests alone."""

    cron: Sequence[str] = CRON_FILES
    timers: Sequence[str] = TIMERS


def observe(
    config_file: str | None,
    user: str,
    *,
    ask: AskAll | None,
    timeout: float,
    files: SystemFiles = SystemFiles(),
) -> dict[str, Any]:
    """What the module existing_barman returns, without Barman's version. Raises HostError if the configuration can't be read.

    ask: None if PostgreSQL is not to be asked.
    """
    configuration = read(config_file, user)
    owner = configuration.global_options.get("barman_user") or user
    options, secret = public_options(configuration.global_options)
    problem, lines = _password_lines(owner)
    entries = {
        name: _entry(server, configuration, lines, owner) for name, server in sorted(configuration.servers.items())
    }
    answers, silent = _answers(configuration.servers.values(), ask, owner, timeout)
    return {
        "config_file": configuration.main_file,
        "user": owner,
        "home": configuration.home,
        "global_options": options,
        "secret_global_options": secret,
        "models": _models(configuration),
        "servers": entries,
        "schedules": [one.as_dict() for one in _schedules(files)],
        "foreign_keys": _foreign_keys(owner),
        "password_file_problem": problem,
        "postgresql": answers,
        "postgresql_problem": silent,
    }


def _entry(
    server: ServerConfiguration, configuration: Configuration, lines: Sequence[tuple[int, PasswordLine]], user: str
) -> dict[str, Any]:
    options, secret = public_options(own_options(server, configuration))
    effective, _secret = public_options(server.options)
    text = read_text(server.file) or ""
    ours = text.startswith(MARK)
    backups = catalog.read_backups(server)
    versions = [one.major_version for one in backups if one.major_version]
    return {
        "name": server.name,
        "file": server.file,
        "in_main_file": normal_path(server.file) == normal_path(configuration.main_file),
        "ours": ours,
        "inventory_host": host_of(text) if ours else None,
        "options": options,
        "effective_options": effective,
        "secret_options": secret,
        "connections": connections(server),
        "passwords": password_places(server, lines, user),
        "active_model": _active_model(server),
        "automatic_options": sorted(_automatic(configuration).get(server.name, ())),
        "backups": len(backups),
        "increments": any(one.incremental for one in backups),
        "postgresql_version": versions[-1] if versions else None,
        "filled_directories": [name for name in DIRECTORIES if is_filled(server.directory(name))],
    }


def _active_model(server: ServerConfiguration) -> str | None:
    return (read_text(os.path.join(server.directory("backup_directory"), ACTIVE_MODEL_FILE)) or "").strip() or None


def _automatic(configuration: Configuration) -> Mapping[str, Collection[str]]:
    return sections_and_options(read_text(os.path.join(configuration.home, AUTOMATIC_FILE)) or "")


def _models(configuration: Configuration) -> list[dict[str, str | None]]:
    """The models, each with its cluster. The files were read before, so they can be."""
    directory = configuration.global_options.get("configuration_files_directory")
    patterns = [
        configuration.main_file,
        *([os.path.join(os.path.expanduser(directory), "*.conf")] if directory else []),
    ]
    clusters = {}
    for path in files_of(patterns):
        parser = parse_ini(read_text(path) or "")
        for name in configuration.models:
            if parser.has_section(name):
                clusters[name] = parser.get(name, "cluster", fallback=None)
    return [{"name": name, "cluster": clusters.get(name)} for name in sorted(configuration.models)]


def _schedules(files: SystemFiles) -> Iterable[FoundSchedule]:
    timers = {path: read_text(path) or "" for path in files_of(files.timers)}
    services = {path[: -len("timer")] + "service" for path in timers}
    yield from cron_schedules({path: read_text(path) or "" for path in files_of(files.cron)}, schedule_file.PATH)
    yield from timer_schedules(timers, {path: read_text(path) or "" for path in services})


def _foreign_keys(user: str) -> list[str]:
    """Those of the user's authorized_keys; none if it can't be read."""
    try:
        return foreign_keys(ssh_file.observe(user, "authorized_keys").text)
    except HostError:
        return []


def _password_lines(user: str) -> tuple[str | None, list[tuple[int, PasswordLine]]]:
    """Why the password file can't be read, and its lines, each with its number."""
    try:
        text = password_file.observe(user).text or ""
    except HostError as exc:
        return str(exc), []
    parsed = ((number, password_file.parse(line)) for number, line in enumerate(text.split("\n"), 1))
    return None, [(number, line) for number, line in parsed if line is not None]


def _answers(
    servers: Iterable[ServerConfiguration], ask: AskAll | None, user: str, timeout: float
) -> tuple[dict[str, Any], str | None]:
    """Each server's answer or error, and why none could be asked."""
    asked = {
        server.name: question_about(server)
        for server in servers
        if server.conninfo and not server.passive and server.flag("active", default=True)
    }
    if ask is None or not asked:
        return {}, None
    try:
        answers = ask(asked, user, timeout)
    except (HostError, ImportError) as exc:
        return {}, str(exc)
    return {
        name: {"error": str(answer)} if isinstance(answer, HostError) else {"error": None, **answer_facts(answer)}
        for name, answer in answers.items()
    }, None
