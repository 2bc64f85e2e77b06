# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Grafana dashboard: its structure, its metrics, and each expression with promtool. Grafana itself is not started."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.limits import Limits
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.metrics import families
from tests.conftest import REPOSITORY
from tests.tools import debian
from tests.unit.plugins.module_utils._monitoring.watched_host import WatchedHost

DASHBOARD: dict[str, Any] = json.loads(
    (REPOSITORY / "roles" / "monitoring" / "files" / "barman-dashboard.json").read_text(encoding="utf-8")
)
PANELS: list[dict[str, Any]] = DASHBOARD["panels"]
GRAPHS = [panel for panel in PANELS if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in GRAPHS for target in panel["targets"]]
GRID = 24


def without_variables(expression: str) -> str:
    return expression.replace("$__rate_interval", "5m").replace("$instance", ".*").replace("$server", ".*")


def test_ids_are_unique() -> None:
    ids = [panel["id"] for panel in PANELS]
    assert len(set(ids)) == len(ids)
    for panel in GRAPHS:
        references = [target["refId"] for target in panel["targets"]]
        assert len(set(references)) == len(references)


def test_each_data_source_is_the_variable() -> None:
    sources = [panel["datasource"] for panel in GRAPHS]
    sources += [target["datasource"] for panel in GRAPHS for target in panel["targets"]]
    sources += [one["datasource"] for one in DASHBOARD["templating"]["list"] if one["type"] == "query"]
    assert {(source["type"], source["uid"]) for source in sources} == {("prometheus", "${datasource}")}
    assert [one["name"] for one in DASHBOARD["templating"]["list"]] == ["datasource", "instance", "server"]


def test_each_panel_has_a_title_a_description_and_a_unit() -> None:
    assert [panel["title"] for panel in PANELS if not panel["title"]] == []
    assert [panel["title"] for panel in GRAPHS if not panel["description"].endswith(".")] == []
    assert [panel["title"] for panel in GRAPHS if not panel["fieldConfig"]["defaults"]["unit"]] == []
    assert not DASHBOARD["editable"]


def test_panels_do_not_overlap() -> None:
    taken: dict[tuple[int, int], str] = {}
    for panel in PANELS:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= GRID
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["title"]) == panel["title"]


def test_each_metric_exists(tmp_path: Path) -> None:
    known = {family.name for family in families(WatchedHost(tmp_path).observe(), Limits())}
    used = {name for expression in EXPRESSIONS for name in re.findall(r"pgdr_barman_\w+", expression)}
    assert used <= known


def test_each_selector_follows_the_variables() -> None:
    selectors = [text for expression in EXPRESSIONS for text in re.findall(r"pgdr_barman_\w+(\{[^}]*\})?", expression)]
    assert {'{instance=~"$instance",server=~"$server"}', '{instance=~"$instance"}'} >= set(selectors)


def test_no_age_counts_from_1970(tmp_path: Path) -> None:
    """A time of 0 stands for never."""
    never = {family.name for family in families(WatchedHost(tmp_path).observe(), Limits()) if " 0: " in family.help}
    ages = [text for expression in EXPRESSIONS for text in re.findall(r"time\(\) - (\w+)", expression)]
    assert ages
    assert never.isdisjoint(ages)


def test_promtool_reads_each_expression(tmp_path: Path) -> None:
    program = debian.program(debian.PROMTOOL)
    rules = [
        {"record": f"dashboard:{number}", "expr": without_variables(expression)}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([program, "check", "rules", path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
