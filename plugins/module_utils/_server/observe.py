# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading Barman's configuration files.

This module util is private to the collection.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Mapping
from typing import Any

from .._barman import configuration
from .._host.files import read_text, write_atomic
from .._host.identity import acting_as
from .entries import COPY_MAIN_FILE, ENTRY_MODE, ConfigurationFile, CurrentConfiguration
from .ini_text import raw_option, sections_and_options, set_options


def read_current(
    config_file: str | None, directory: str | None, user: str, global_options: Mapping[str, Any] | None
) -> CurrentConfiguration:
    """Read the files as they are. Raises HostError where a file that is needed can't be read."""
    main_path = _main_path(config_file, user, global_options)
    main = read_text(main_path)
    managed = global_options or {}
    chosen = (
        managed.get("configuration_files_directory")
        or directory
        or raw_option(main, "configuration_files_directory")
        or "/etc/barman.d"
    )
    chosen = os.path.expanduser(str(chosen)).rstrip("/") or "/"
    owner = _uid(user)
    files: dict[str, ConfigurationFile] = {}
    for path in configuration.files_in(chosen):
        text = read_text(path)
        if text is not None:
            found = os.stat(path)
            right = stat.S_IMODE(found.st_mode) == ENTRY_MODE and owner in (None, found.st_uid)
            files[path] = ConfigurationFile(text, right)
    home = managed.get("barman_home") or raw_option(main, "barman_home") or "/var/lib/barman"
    automatic = read_text(os.path.join(str(home), configuration.AUTOMATIC_FILE))
    return CurrentConfiguration(main_path, chosen, main, files, sections_and_options(automatic or ""))


def write_copy(
    directory: str, user: str, main: str, entries: Mapping[str, str], options: Mapping[str, Any] | None = None
) -> None:
    """Have a configuration in another directory that is there, as COPY_MAIN_FILE, for that user's eyes only.

    main: the main file's text; options: what its [barman] section has instead there. entries: text by path, of which
    the name is kept. Raises HostError.
    """
    servers = os.path.join(directory, "barman.d")
    text = set_options(main, "barman", {"configuration_files_directory": servers, **(options or {})})
    with acting_as(user):
        os.mkdir(servers, 0o700)
        for path, entry in entries.items():
            write_atomic(os.path.join(servers, os.path.basename(path)), entry, ENTRY_MODE)
        write_atomic(os.path.join(directory, COPY_MAIN_FILE), text, ENTRY_MODE)


def _main_path(config_file: str | None, user: str, global_options: Mapping[str, Any] | None) -> str:
    try:
        return os.path.realpath(configuration.main_file(config_file, configuration.candidates(user)))
    except configuration.ConfigurationError:
        return os.path.realpath(config_file or configuration.MAIN_FILES[0])


def _uid(user: str) -> int | None:
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        return None
