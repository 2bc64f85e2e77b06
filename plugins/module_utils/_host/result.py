# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module's operation comes to, as a value. _module.py turns it into the answer that Ansible gets.

This module util is private to the collection.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .process import HostError


@dataclass(frozen=True)
class Result:
    """What a module returns.

    failure: why the module fails; it returns the values nevertheless. diff: shown in diff mode only.
    """

    changed: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)
    warnings: Sequence[str] = ()
    diff: Any = None
    failure: str | None = None


@dataclass
class ServerOutcome:
    """What was done, or would be, for one of Barman's servers; and why it failed.

    before, after: its state, for the diff. kind: the failure in one word, for programs.
    """

    values: dict[str, Any] = field(default_factory=dict)
    changed: bool = False
    error: str | None = None
    kind: str | None = None
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)

    def fail(self, exc: HostError, message: str = "%s") -> None:
        """Note the error. message: a format for its text."""
        self.error = message % exc
        self.kind = exc.kind

    def as_dict(self) -> dict[str, Any]:
        return {**self.values, "changed": self.changed, "error": self.error, "error_kind": self.kind}


def per_server(outcomes: Mapping[str, ServerOutcome]) -> Result:
    """The result of several servers, by Barman's names. One that failed does not hide the others."""
    changed = {name: outcome for name, outcome in outcomes.items() if outcome.changed}
    errors = [outcome.error for outcome in outcomes.values() if outcome.error]
    return Result(
        changed=bool(changed),
        values={"servers": {name: outcome.as_dict() for name, outcome in outcomes.items()}},
        warnings=[line for outcome in outcomes.values() for line in outcome.warnings],
        diff={
            "before": {name: outcome.before for name, outcome in changed.items()},
            "after": {name: outcome.after for name, outcome in changed.items()},
        },
        failure="\n".join(errors) or None,
    )


def file_diff(path: str, before: str, after: str) -> dict[str, str]:
    """A file's change as Ansible shows it."""
    return {"before_header": path, "after_header": path, "before": before, "after": after}
