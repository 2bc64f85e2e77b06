# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rulebook for Event-Driven Ansible: ansible-rulebook's schema, and what it shares with the playbooks and the alerts.

The schema is the copy of ruleset_schema.json that ansible-lint comes with. The scenario monitoring runs the rulebook.
"""

from __future__ import annotations

import importlib
import json
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.faults import FAULTS

# It has no types.
jsonschema: Any = importlib.import_module("jsonschema")
REPOSITORY = Path(__file__).parents[2]
RULEBOOKS = sorted((REPOSITORY / "extensions/eda/rulebooks").glob("*.yml"))
DOCUMENTATION = (REPOSITORY / "docs/event-driven.md").read_text(encoding="utf-8")


def rulesets(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return found


def runs(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """The playbooks that the rules run, with their extra variables."""
    return [
        (action["run_playbook"]["name"], action["run_playbook"].get("extra_vars", {}))
        for ruleset in rulesets(path)
        for rule in ruleset["rules"]
        for action in rule["actions"]
    ]


def test_there_is_a_rulebook() -> None:
    assert [path.name for path in RULEBOOKS] == ["barman_alerts.yml"]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.name)
def test_the_schema(path: Path) -> None:
    schema = json.loads(files("ansiblelint.schemas").joinpath("rulebook.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator(schema).validate(rulesets(path))


def test_the_schema_finds_a_mistake() -> None:
    schema = json.loads(files("ansiblelint.schemas").joinpath("rulebook.json").read_text(encoding="utf-8"))
    wrong = rulesets(RULEBOOKS[0])
    wrong[0]["rules"][0]["actions"][0]["run_playbook"]["extra_var"] = {}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.Draft202012Validator(schema).validate(wrong)


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.name)
def test_the_playbooks_exist_and_know_their_arguments(path: Path) -> None:
    for name, extra_vars in runs(path):
        namespace, collection, playbook = name.split(".")
        assert (namespace, collection) == ("pgdr", "barman")
        meta = yaml.safe_load((REPOSITORY / "playbooks" / f"{playbook}.meta.yml").read_text(encoding="utf-8"))
        assert set(extra_vars) <= set(meta["argument_specs"][playbook]["options"])


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.name)
def test_every_rule_is_throttled_by_alert_and_server_and_needs_the_token(path: Path) -> None:
    for ruleset in rulesets(path):
        assert ruleset["execution_strategy"] == "sequential"
        (source,) = ruleset["sources"]
        assert source["eda.builtin.webhook"]["token"] == "{{ rulebook_token }}"
        for rule in ruleset["rules"]:
            assert rule["throttle"]["group_by_attributes"] == ["event.labels.alertname", "event.labels.server"]
            assert 'event.status == "firing"' in rule["condition"]
            # A template in a name would be evaluated by Ansible.
            assert 'event.labels.server is match("[A-Za-z0-9][A-Za-z0-9_.-]*$")' in rule["condition"]


@pytest.mark.parametrize("path", RULEBOOKS, ids=lambda path: path.name)
def test_its_variables_and_alerts_are_documented(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for variable in set(re.findall(r"\brulebook_\w+", text)):
        assert f"`{variable}`" in DOCUMENTATION
    alerts = set(re.findall(r"\bBarman[A-Z]\w+", DOCUMENTATION))
    assert alerts
    assert alerts <= {kind.name for kind, _finding in FAULTS} | {
        "BarmanMetricsStale",
        "BarmanMetricsAbsent",
        "BarmanCronStopped",
    }
