# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading Barman's configuration files: the main file, its directory of further files, and Barman's own changes.

This module util is private to the collection. Barman itself is not asked: "show-servers" and "diagnose" connect to
every PostgreSQL server first, and the answers leave out or print passwords.
"""

from __future__ import annotations

import configparser
import contextlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .._host.files import names_in, read_text
from .._host.process import HostError
from .masking import mask_message
from .option_table import DIRECTORIES, OPTIONS
from .options import parse_bool

MAIN_FILES = ("/etc/barman.conf", "/etc/barman/barman.conf")
AUTOMATIC_FILE = ".barman.auto.conf"
ACTIVE_MODEL_FILE = ".active-model.auto"
_QUOTED = re.compile(r"""^(["'])((?:\\.|[^\\])*?)\1$""")


class ConfigurationError(HostError):
    """A configuration file of Barman can't be read; the text names it."""


@dataclass(frozen=True)
class ServerConfiguration:
    """One server's entry as Barman reads it: options with the global ones and the directories' defaults filled in."""

    name: str
    options: dict[str, str]
    file: str

    def get(self, option: str, default: str | None = None) -> str | None:
        value = self.options.get(option)
        return default if value is None or value == "" else value

    def flag(self, option: str, *, default: bool = False) -> bool:
        """A Boolean. Like Barman, it takes the default for what is none."""
        parsed = parse_bool(self.get(option))
        return default if parsed is None else parsed

    def directory(self, option: str) -> str:
        """One of the directories, such as wals_directory."""
        return self.options[option]

    @property
    def passive(self) -> bool:
        return bool(self.get("primary_ssh_command"))

    @property
    def receiver_name(self) -> str:
        """The application name with which its WAL receiver connects."""
        return self.get("streaming_archiver_name") or "barman_receive_wal"

    @property
    def conninfo(self) -> str:
        return self.get("conninfo") or ""

    @property
    def streaming_conninfo(self) -> str:
        return self.get("streaming_conninfo") or self.conninfo

    @property
    def wal_streaming_conninfo(self) -> str:
        """The connection of the WAL receiver (with Barman 3.10 and later it can differ from that of the backup)."""
        return self.get("wal_streaming_conninfo") or self.streaming_conninfo

    @property
    def wal_conninfo(self) -> str:
        return self.get("wal_conninfo") or self.get("wal_streaming_conninfo") or self.conninfo


@dataclass(frozen=True)
class Configuration:
    """Barman's whole configuration. models: the sections with "model = true"."""

    main_file: str
    global_options: dict[str, str]
    servers: dict[str, ServerConfiguration]
    models: list[str] = field(default_factory=list)

    @property
    def home(self) -> str:
        return self.global_options.get("barman_home") or "/var/lib/barman"

    def server(self, name: str) -> ServerConfiguration:
        """That server's entry. Raises ConfigurationError naming the ones there are."""
        if name not in self.servers:
            raise ConfigurationError(
                "Barman has no server '{}' on this host; it has: {}".format(
                    name, ", ".join(sorted(self.servers)) or "none"
                )
            )
        return self.servers[name]


def candidates(user: str = "barman") -> tuple[str, ...]:
    """The paths at which Barman, run as that user, searches for its main configuration file; it reads the first."""
    return (os.path.join(os.path.expanduser(f"~{user}"), ".barman.conf"), *MAIN_FILES)


def main_file(config_file: str | None = None, places: Sequence[str] | None = None) -> str:
    """The main configuration file that Barman reads. Raises ConfigurationError where there is none."""
    for path in [config_file] if config_file else places or candidates():
        if os.path.exists(path):
            return path
    raise ConfigurationError(
        "Barman's configuration file %s does not exist on this host; is Barman installed?"
        % (config_file or " or ".join(MAIN_FILES))
    )


def files_in(directory: str) -> list[str]:
    """The files of configuration_files_directory that Barman reads, in its order. Raises HostError if the directory can't be read."""
    names = [name for name in names_in(directory) if name.endswith(".conf") and not name.startswith(".")]
    return [os.path.join(directory, name) for name in names]


def read(config_file: str | None = None, user: str = "barman") -> Configuration:
    """Read what Barman reads, in its order: later files win."""
    main = main_file(config_file, candidates(user))
    parser = _parser()
    _read_file(parser, main)
    if not parser.has_section("barman"):
        raise ConfigurationError(f"{main} has no [barman] section")
    directory = _get(parser, "barman", "configuration_files_directory")
    origins: dict[str, str] = dict.fromkeys(parser.sections(), main)
    files = files_in(os.path.expanduser(directory)) if directory else []
    home = _get(parser, "barman", "barman_home") or "/var/lib/barman"
    files.append(os.path.join(home, AUTOMATIC_FILE))
    for path in files:
        if os.path.isfile(path):
            before = set(parser.sections())
            _read_file(parser, path)
            origins.update({section: path for section in parser.sections() if section not in before})
    global_options = {key: _get(parser, "barman", key) for key in parser.options("barman")}
    sections = [section for section in parser.sections() if section != "barman"]
    models = [section for section in sections if parse_bool(_get(parser, section, "model"))]
    servers: dict[str, ServerConfiguration] = {}
    for section in sections:
        if section not in models:
            options = _options(parser, section, home)
            model = (read_text(os.path.join(options["backup_directory"], ACTIVE_MODEL_FILE)) or "").strip()
            if model in models:
                options.update(
                    {
                        key: _get(parser, model, key, {"barman_home": home, "name": section})
                        for key in parser.options(model)
                    }
                )
            servers[section] = ServerConfiguration(section, options, origins[section])
    return Configuration(main, global_options, servers, models)


def _parser() -> configparser.ConfigParser:
    return configparser.ConfigParser(strict=False)


def _read_file(parser: configparser.ConfigParser, path: str) -> None:
    text = read_text(path)
    if text is None:
        return
    try:
        parser.read_string(text, path)
    except configparser.Error as exc:
        # It repeats the line.
        raise ConfigurationError(f"{path} can't be read: {mask_message(' '.join(str(exc).split()))}") from None


def _get(parser: configparser.ConfigParser, section: str, option: str, known: dict[str, str] | None = None) -> str:
    try:
        value = parser.get(section, option, vars=known, fallback="")
    except configparser.Error as exc:
        raise ConfigurationError(f"option '{option}' of [{section}] can't be read: {exc.__class__.__name__}") from None
    if "%" in value:
        # Barman 3.10 and later read every file through two parsers; before that, a lone "%" is left here.
        with contextlib.suppress(configparser.Error):
            value = configparser.BasicInterpolation().before_get(parser, section, option, value, known or {})
    found = _QUOTED.match(value)
    return "" if value == "None" else found.group(2) if found else value


def _options(parser: configparser.ConfigParser, section: str, home: str) -> dict[str, str]:
    # Barman does not hand every option of [barman] down to the servers (conninfo, for one).
    inherited = {key for key in parser.options("barman") if key not in OPTIONS or OPTIONS[key].in_global}
    known = {"barman_home": home, "name": section}

    def value(key: str) -> str:
        return _get(parser, section if parser.has_option(section, key) else "barman", key, known)

    own = parser.options(section)
    known["backup_directory"] = (value("backup_directory") if "backup_directory" in own else "") or f"{home}/{section}"
    options = {key: value(key) for key in sorted(inherited.union(own))}
    for option in DIRECTORIES:
        options[option] = options.get(option) or str(OPTIONS[option].default) % {**known, **options}
    return options
