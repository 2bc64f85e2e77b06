# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role writes for the program: /etc/pgdr-barman.json.

This module util is private to the collection.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._host.files import read_text
from .._host.process import HostError
from .._server.program_files import SETTINGS


@dataclass(frozen=True)
class Settings:
    """user: Barman's. parts: what each command alone reads, by its name."""

    user: str
    parts: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> Mapping[str, Any]:
        """What a command reads; nothing if the role wrote nothing for it. Raises HostError."""
        found = self.parts.get(name, {})
        if not isinstance(found, dict):
            raise HostError(f"{SETTINGS}: '{name}' is not an object")
        return found


def read_settings(path: str = SETTINGS) -> Settings:
    """Raises HostError."""
    text = read_text(path)
    if text is None:
        raise HostError(f"{path} does not exist. The playbook pgdr.barman.deploy writes it")
    try:
        found = json.loads(text)
        return Settings(str(found["barman_user"]), found)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HostError(
            f"{path} is not as the playbook pgdr.barman.deploy writes it. Run that playbook again"
        ) from None
