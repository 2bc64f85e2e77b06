# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables of a play and of other hosts, templated alike by every ansible-core. This plugin util is private to the collection."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleError
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


class PlayVariables:
    """The variables of a task's play, each templated by itself, so that one wrong expression hides no other.

    host: that of the task. problems: why variables could not be read, each with what to do.
    """

    def __init__(self, variables: Mapping[str, Any], templar: Templar, loader: DataLoader | None) -> None:
        self.variables = variables
        self.problems: list[str] = []
        self._templar, self._loader = templar, loader

    @property
    def host(self) -> str:
        return str(self.variables["inventory_hostname"])

    def read(self, name: str, host: str | None = None) -> Any:
        """The variable as that host has it in this play; None if it has none, or if it can't be read. Without a host, as the task's host has it.

        What the host of the task has from another source than its own inventory, such as vars of import_playbook, is every host's.
        """
        try:
            value = self._templar.template(self.variables[name]) if name in self.variables else None
            if host is None or host == self.host:
                return value
            hostvars = self.variables["hostvars"]
            if name in self.variables and value != HostVariables(hostvars, self.host, self._loader).read(name):
                return value
            return HostVariables(hostvars, host, self._loader).read(name)
        except AnsibleError as error:
            self.problems.append(f"{name} cannot be read: {error.message}; correct the expression")
            return None
