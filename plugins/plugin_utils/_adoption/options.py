# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Barman's options of an existing entry or [barman] section, as barman_options and barman_global_options.

Private to the collection. Pure: no Ansible, no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...module_utils._barman.option_table import GLOBAL, IGNORED, OPTIONS, SERVER, OptionScope
from ...module_utils._barman.options import parse_bool, validate
from ...module_utils._barman.versions import NEWEST, Version, parse_version

#: Reports an option that can't be written: the option, the reason, what to do.
ReportOption = Callable[[str, str, str], None]


def typed(name: str, value: str) -> Any:
    """A number or a Boolean as such, everything else as text."""
    option = OPTIONS.get(name)
    kind = option.kind.partition(":")[0] if option is not None else "text"
    if kind == "int" and value.strip().lstrip("+-").isdecimal():
        return int(value)
    if kind == "bool":
        parsed = parse_bool(value)
        return value if parsed is None else parsed
    return value


def further_options(
    found: Mapping[str, str], decided: Collection[str], version: str | None, report: ReportOption, scope: OptionScope
) -> dict[str, Any]:
    """The options that no variable decides. Those that Barman ignores are reported, and left out."""
    written: dict[str, Any] = {}
    for name, value in sorted(found.items()):
        if name in decided:
            continue
        if name in IGNORED or name not in OPTIONS:
            report(name, "is ignored by Barman, and is not in the inventory", "remove it, or correct its name")
            continue
        # An entry's empty value stands against one of the [barman] section: "None" is Barman's word for it.
        written[name] = typed(name, value) if value else "None"
    for problem in validate(written, _known_version(version), scope):
        report(problem.option, f"{problem.message}, and is not in the inventory", problem.instead)
        del written[problem.option]
    return written


def _known_version(version: str | None) -> Version:
    return min(parse_version(version or "") or NEWEST, NEWEST)


def global_further_options(
    found: Mapping[str, str], decided: Collection[str], version: str | None, report: ReportOption
) -> dict[str, Any]:
    """The same of the [barman] section."""
    return further_options({name: value for name, value in found.items() if value}, decided, version, report, GLOBAL)


def server_further_options(
    found: Mapping[str, str], decided: Collection[str], version: str | None, report: ReportOption
) -> dict[str, Any]:
    """The same of an entry."""
    return further_options(found, decided, version, report, SERVER)
