# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection's playbooks declare of themselves, in <playbook>.meta.yml. This plugin util is private to the collection.

The form is that of ansible-core 2.20 and later (the play keyword validate_argspec); older ones do not read the files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

PLAYBOOKS = Path(__file__).resolve().parents[2] / "playbooks"
_VALIDATED = ("type", "elements", "required", "default", "choices")


class MetaError(ValueError):
    """A playbook declares no arguments, or others."""


def meta(playbook: str) -> dict[str, Any]:
    """The whole declaration of a playbook of this collection, named without the collection. Raises MetaError if there is none."""
    path = PLAYBOOKS / f"{playbook}.meta.yml"
    if not path.is_file():
        raise MetaError(f"playbook {playbook} of this collection declares no arguments; there is no {path}")
    found: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def specification(playbook: str) -> dict[str, dict[str, Any]]:
    """The playbook's arguments by name, each as in an argument specification. Raises MetaError."""
    return _specified(meta(playbook)["argument_specs"][playbook]["options"])


def declared(
    given: Mapping[str, dict[str, Any]] | None, playbook: str | None, names: Iterable[str] | None
) -> dict[str, dict[str, Any]]:
    """The arguments of these names, or all, of a specification that is given, or of the playbook's. Raises MetaError."""
    try:
        found = specification(playbook) if playbook is not None else given or {}
    except MetaError as error:
        raise MetaError(f"playbook: {error}") from error
    selected = list(found if names is None else names)
    unknown = [name for name in selected if name not in found]
    if unknown:
        raise MetaError(f"names: the specification has no {', '.join(unknown)}")
    return {name: found[name] for name in selected}


def _specified(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """The options without their descriptions, and so those of their items."""
    found = {name: {key: option[key] for key in _VALIDATED if key in option} for name, option in options.items()}
    for name, option in options.items():
        if "options" in option:
            found[name]["options"] = _specified(option["options"])
    return found
