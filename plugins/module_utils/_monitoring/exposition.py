# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The text format in which Prometheus reads metrics.

This module util is private to the collection. Nothing here reads or writes files.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

MetricType = Literal["gauge", "counter"]


@dataclass(frozen=True)
class MetricSample:
    """One value, with its labels."""

    value: float
    labels: Mapping[str, str]


@dataclass(frozen=True)
class Family:
    """A metric: its name, its meaning, its type and its samples."""

    name: str
    help: str
    type: MetricType
    samples: Sequence[MetricSample]


def exposition(families: Iterable[Family]) -> str:
    """The families as text, those without a sample left out."""
    lines: list[str] = []
    for family in families:
        if family.samples:
            help_text = family.help.replace("\\", "\\\\").replace("\n", "\\n")
            lines += [f"# HELP {family.name} {help_text}", f"# TYPE {family.name} {family.type}"]
            lines += [f"{family.name}{_labels(sample.labels)} {number(sample.value)}" for sample in family.samples]
    return "\n".join(lines) + "\n"


def parse_exposition(text: str) -> dict[str, float]:
    """The values of a text that exposition made, by name and labels; a line that is none is left out."""
    found = {}
    for line in text.splitlines():
        name, _space, value = line.rpartition(" ")
        if name and not name.startswith("#"):
            with contextlib.suppress(ValueError):
                found[name] = float(value)
    return found


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def number(value: float) -> str:
    """A value as Prometheus reads it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) else repr(float(value))
