# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Alertmanager reports: the alerts that a person gets, so without those that are inhibited."""

from __future__ import annotations

import json
import time
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

TIMEOUT = 10
ALERTS = "http://{address}:9093/api/v2/alerts?active=true&inhibited=false&silenced=false"
FIRED = (
    "http://{address}:9090/api/v1/query?query=count_over_time(ALERTS%7Balertstate%3D%22firing%22%7D%5B{seconds}s%5D)"
)
SERVERS = "http://{address}:9090/api/v1/query?query=count(pgdr_barman_metrics_timestamp_seconds)"


@dataclass(frozen=True, order=True)
class Alert:
    """An alert. subject: the server; the host of an alert that is of no server. instance: node exporter's address."""

    name: str
    subject: str
    instance: str = ""
    summary: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.name} of {self.subject}"

    @property
    def names_all(self) -> bool:
        """Whether a person who reads the texts alone knows what is concerned and what to do."""
        return self.subject in self.summary and bool(self.remedy)


def parse(document: Sequence[dict[str, dict[str, str]]]) -> list[Alert]:
    """The alerts in the answer of Alertmanager's API."""
    found = []
    for one in document:
        labels, texts = one["labels"], one["annotations"]
        instance = labels.get("instance", "")
        subject = labels.get("server", instance)
        found.append(
            Alert(labels["alertname"], subject, instance, texts.get("summary", ""), texts.get("remedy", "")),
        )
    return sorted(found)


class Alertmanager:
    """Alertmanager and Prometheus of a lab, at that address."""

    def __init__(self, address: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._address = address
        self.clock = clock

    def alerts(self) -> list[Alert]:
        return parse(_get(ALERTS.format(address=self._address)))

    def fired(self, seconds: float) -> list[Alert]:
        """Each alert that Prometheus had in that time, also one that Alertmanager inhibited. Without its texts."""
        found = _get(FIRED.format(address=self._address, seconds=round(seconds)))["data"]["result"]
        return parse([{"labels": one["metric"], "annotations": {}} for one in found])

    def instances(self) -> int:
        """The number of backup servers whose metrics Prometheus has."""
        found = _get(SERVERS.format(address=self._address))["data"]["result"]
        return int(found[0]["value"][1]) if found else 0


def _get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:
        return json.load(answer)
