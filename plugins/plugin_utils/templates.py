# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of other hosts, templated alike by every ansible-core. This plugin util is private to the collection."""

from __future__ import annotations

from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar


class HostVariables:
    """One host's variables, each templated in the context of its host when it is read.

    hostvars[host] is no substitute. Before ansible-core 2.19 it returns the template itself if a variable in it is undefined.
    Source: HostVarsVars.__getitem__.
    """

    def __init__(self, hostvars: Any, host: str, loader: DataLoader | None) -> None:
        self.raw: dict[str, Any] = hostvars.raw_get(host)
        self._loader = loader
        self._templar: Templar | None = None

    def read(self, name: str) -> Any:
        """The value; None if the host does not have the variable. Raises AnsibleError if it cannot be templated."""
        if name not in self.raw:
            return None
        if self._templar is None:
            self._templar = Templar(loader=self._loader, variables=self.raw)
        return self._templar.template(self.raw[name])
