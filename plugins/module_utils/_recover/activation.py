# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Recovering from a server that is not active in Barman's configuration.

This module util is private to the collection. Barman skips an inactive server with success, even if it
should restore a backup of it. A server that another backup server backs up now is inactive here, and its backups are still valid.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from .._barman.command import Barman
from .._barman.configuration import Configuration, read
from .._host.files import names_in, read_text
from .._host.safe_files import temporary_directory
from .._server.entries import COPY_MAIN_FILE
from .._server.ini_text import set_options
from .._server.observe import write_copy


@contextlib.contextmanager
def activated(barman: Barman, configuration: Configuration, name: str) -> Iterator[tuple[Barman, Configuration]]:
    """A Barman for which that server is activated temporarily; its own configuration stays as it is."""
    server = configuration.servers.get(name)
    if server is None or server.flag("active", default=True):
        yield barman, configuration
        return
    with temporary_directory("barman-activated-", barman.user) as directory:
        main_file = _copy(configuration, name, server.file, directory, barman.user)
        yield barman.with_config(main_file), read(main_file, barman.user)


def _copy(configuration: Configuration, name: str, entry: str, directory: str, user: str) -> str:
    """Copy the whole configuration to another directory, with that server active; the path of the main file."""
    texts = {configuration.main_file: read_text(configuration.main_file) or ""}
    source = os.path.expanduser(configuration.global_options.get("configuration_files_directory") or "")
    for file in names_in(source) if source else []:
        if file.endswith(".conf"):
            path = os.path.join(source, file)
            texts[path] = read_text(path) or ""
    texts[entry] = set_options(texts.get(entry, ""), name, {"active": "on"})
    write_copy(directory, user, texts.pop(configuration.main_file), texts)
    return os.path.join(directory, COPY_MAIN_FILE)
