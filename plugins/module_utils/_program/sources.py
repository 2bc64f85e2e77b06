# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sources that this process runs, as files to write: Ansible packs into a module what the module imports, and no more.

This module util is private to the collection.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from .._host.process import HostError

#: The skeleton of modules needs Ansible; a program does not have it.
_ANSIBLE_ONLY = "_module"


def own_sources() -> dict[str, str]:
    """The sources by their path below the package, such as _host/files.py. Raises HostError if one can't be read."""
    root = (__package__ or "").rpartition(".")[0]
    package = importlib.import_module(root)
    return {"__init__.py": "", **dict(_sources(package.__path__, root))}


def _sources(path: Any, root: str) -> Iterator[tuple[str, str]]:
    for found in pkgutil.walk_packages(path, root + "."):
        name = found.name[len(root) + 1 :]
        if name == _ANSIBLE_ONLY:
            continue
        package = found.name if found.ispkg else found.name.rpartition(".")[0]
        file = "__init__.py" if found.ispkg else f"{found.name.rpartition('.')[2]}.py"
        source = pkgutil.get_data(package, file)
        if source is None:
            raise HostError(f"the source of {found.name} can't be read, so the program can't be installed")
        yield f"{name.replace('.', '/')}/{file}" if found.ispkg else f"{name.replace('.', '/')}.py", source.decode()
