# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What AWX reads: generated from the playbooks' arguments, taken by AWX's rules and by the modules of awx.awx, and built by ansible-builder."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.pgdr.barman.plugins.plugin_utils import run_results
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.acceptance import Decided
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.advise import Assessment
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.finding import Unmeasured, finding
from ansible_collections.pgdr.barman.plugins.plugin_utils._advice.forecast import Forecast, ForecastError
from ansible_collections.pgdr.barman.plugins.plugin_utils._report.fleet import fleet_report, utc_now
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_arguments import convert
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.playbook_variables import RESULTS
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.variables import SECRET_VARIABLES
from ansible_collections.pgdr.barman.plugins.plugin_utils.playbook_meta import specification
from ansible_collections.pgdr.barman.plugins.plugin_utils.verification_tables import verification_result
from tests.conftest import REPOSITORY
from tests.tools import controller, examples
from tests.tools.stage import environment
from tests.unit.playing import play
from tests.unit.tools.fake_controller import Controller, answer_problems, running, survey_problems

PLAYBOOKS = sorted(set(examples.playbook_names()) - {f"{examples.COLLECTION}.{part}" for part in controller.PARTS})
TEMPLATES = {template["name"]: template for template in controller.configuration()["controller_templates"]}
QUESTIONS = {name: template.get("survey_spec", {"spec": []})["spec"] for name, template in TEMPLATES.items()}
SURVEYS = [template["survey_spec"] for template in TEMPLATES.values() if "survey_spec" in template]


def options_of(template: str) -> dict[str, Any]:
    return specification(template.rpartition(".")[2])


def test_the_files_are_what_the_generator_makes() -> None:
    assert controller.outdated() == [], "run `make controller`"


def test_every_playbook_has_a_template_and_a_playbook_of_the_project() -> None:
    assert sorted(TEMPLATES) == PLAYBOOKS
    for name, template in TEMPLATES.items():
        (play,) = yaml.safe_load((controller.PROJECT / template["playbook"]).read_text())
        assert play["ansible.builtin.import_playbook"] == name


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_a_survey_asks_for_exactly_the_arguments(name: str) -> None:
    asked = {question["variable"]: question for question in QUESTIONS[name]}
    options = options_of(name)
    assert list(asked) == list(options)
    for variable, option in options.items():
        assert asked[variable]["required"] == bool(option.get("required"))
        assert asked[variable]["question_description"]
        assert asked[variable]["type"] != "password"
        if option["type"] == "bool" or "choices" in option:
            assert asked[variable]["choices"] == option.get("choices", ["true", "false"])


@pytest.mark.parametrize("name", PLAYBOOKS)
def test_the_answers_that_awx_sends_without_a_person_are_the_defaults(name: str) -> None:
    """AWX drops a default that its own check refuses: then the variable is absent."""
    answers = {question["variable"]: question["default"] for question in QUESTIONS[name] if "default" in question}
    sent = {
        question["variable"]: answers[question["variable"]]
        for question in QUESTIONS[name]
        if question["variable"] in answers and not answer_problems(question, answers)
    }
    required = {question["variable"]: "x" for question in QUESTIONS[name] if question["required"]}
    options = options_of(name)
    assert convert(options, {**sent, **required}) == convert(options, required)
    assert convert(options, required)[1] == []


@pytest.mark.parametrize("spec", SURVEYS, ids=lambda spec: spec["name"])
def test_awx_accepts_the_surveys(spec: dict[str, Any]) -> None:
    assert survey_problems(spec) == []


def test_no_template_has_slices_or_takes_other_variables() -> None:
    for template in TEMPLATES.values():
        assert template["job_slice_count"] == 1
        assert template["ask_job_slice_count_on_launch"] is False
        assert template["ask_variables_on_launch"] is False
        assert template["ask_limit_on_launch"] is True


def test_every_secret_has_a_credential_type_and_none_is_in_a_survey() -> None:
    types = controller.configuration()["controller_credential_types"]
    injected = [name for one in types for name in one["injectors"]["extra_vars"]]
    # A credential sets a variable for all hosts. Those of messages are refused on a host that sends none.
    assert sorted(injected) == sorted(name for name in SECRET_VARIABLES if not name.startswith("barman_notify_"))
    asked = {question["variable"] for questions in QUESTIONS.values() for question in questions}
    assert asked.isdisjoint(SECRET_VARIABLES)
    for one in types:
        fields = {field["id"]: field for field in one["inputs"]["fields"]}
        assert all(field["secret"] for field in fields.values())
        assert sorted(one["inputs"]["required"]) == sorted(fields)
        assert {f"{{{{ {name} }}}}" for name in fields} == set(one["injectors"]["extra_vars"].values())


def test_a_playbook_drill_enters_the_workflow_and_the_schedules_by_itself() -> None:
    declared = controller.playbooks()
    later = {**declared, "drill": declared["check"]}
    chain = next(controller.workflows(later))
    assert [node["identifier"] for node in chain["workflow_nodes"]] == ["deploy", "backup", "check", "drill"]
    assert chain["workflow_nodes"][2]["related"]["success_nodes"] == [{"identifier": "drill"}]
    asked = [question["variable"] for question in chain["survey_spec"]["spec"]]
    assert asked == ["barman_report_file", "barman_report_host", "barman_report_mode"]
    assert all(set(asked) <= set(specification(playbook)) for playbook in ("deploy", "check", "drill"))
    assert [one["unified_job_template"].rpartition(".")[2] for one in controller.schedules(later)][-2:] == [
        "drill",
        "verify",
    ]


def test_a_new_argument_enters_the_survey_by_itself() -> None:
    declared = controller.playbooks()["check"]
    options = declared["argument_specs"]["check"]["options"]
    options["barman_check_depth"] = {"description": "How deep.", "type": "int", "default": 3}
    asked = controller.survey("check", declared)["spec"][-1]
    assert (asked["question_name"], asked["type"], asked["default"]) == ("Depth", "integer", 3)


def test_recovery_after_an_approval_asks_what_the_template_asks_and_confirms_by_itself() -> None:
    workflow = list(controller.workflows(controller.playbooks()))[1]
    asked = {question["variable"] for question in workflow["survey_spec"]["spec"]}
    assert asked | set(controller.NOT_ASKED_WITH_APPROVAL) == set(specification("recover"))
    plan, approval, recover = workflow["workflow_nodes"]
    assert plan["job_type"] == "check"
    assert approval["unified_job_template"]["type"] == "workflow_approval"
    assert recover["extra_data"] == {"barman_recover_confirmed": "true"}


SETTINGS = {
    "pgdr_controller_inventory": "PostgreSQL",
    "pgdr_controller_credentials": ["machine", "passwords"],
    "pgdr_controller_image": "registry.example/ee-barman:1",
    "pgdr_controller_project_url": "https://git.example/awx.git",
}


def test_the_modules_of_awx_create_everything(tmp_path: Path) -> None:
    """configure.yml against an API that refuses what AWX refuses."""
    awx = Controller(
        {"organizations": ["Default"], "inventories": ["PostgreSQL"], "credentials": ["machine", "passwords"]}
    )
    (tmp_path / "settings.json").write_text(json.dumps(SETTINGS))
    with running(awx) as address:
        arguments = ("--extra-vars=@settings.json", str(controller.TEMPLATES / "configure.yml"), "-ilocalhost,")
        stdout = play(tmp_path, *arguments, CONTROLLER_HOST=address, CONTROLLER_OAUTH_TOKEN="token")
    assert "failed=0" in stdout
    assert awx.refused == []
    objects = {
        endpoint: {one["name"]: one for one in found if "name" in one} for endpoint, found in awx.objects.items()
    }
    assert sorted(objects["job_templates"]) == PLAYBOOKS
    assert objects["projects"]["pgdr.barman"]["scm_url"] == SETTINGS["pgdr_controller_project_url"]
    passwords = objects["credential_types"]["pgdr.barman: PostgreSQL passwords"]
    assert passwords["injectors"]["extra_vars"]["barman_postgres_password"] == "{{ postgres_password }}"
    nodes = [node["identifier"] for node in awx.objects["workflow_job_template_nodes"]]
    assert sorted(nodes) == ["approval", "backup", "check", "deploy", "drill", "plan", "recover"]
    assert len(objects["schedules"]) == 4
    surveys = [path for _method, path, _body in awx.requests if path.endswith("/survey_spec/")]
    assert len(surveys) == len(SURVEYS) + 2


def test_ansible_builder_takes_the_execution_environment(tmp_path: Path) -> None:
    definition = controller.CONTROLLER / "execution-environment.yml"
    builder("create", "--file", definition, "--context", tmp_path / "context", "--output-filename", "Containerfile")
    assert "ubi9" in (tmp_path / "context" / "Containerfile").read_text()
    required = yaml.safe_load((tmp_path / "context" / "_build" / "requirements.yml").read_text())
    assert required == {"collections": [{"name": examples.COLLECTION}]}


def test_ansible_builder_reads_what_the_collection_needs(tmp_path: Path) -> None:
    """The path is that of an image: ansible_collections/NAMESPACE/NAME."""
    root = tmp_path / "ansible_collections" / "pgdr"
    root.mkdir(parents=True)
    (root / "barman").symlink_to(REPOSITORY)
    python, system = tmp_path / "python.txt", tmp_path / "system.txt"
    builder("introspect", tmp_path, "--write-pip", python, "--write-bindep", system)
    assert "jmespath" in python.read_text()
    assert "openssh-clients [platform:rpm]" in system.read_text()


def builder(*arguments: str | Path) -> None:
    done = subprocess.run(
        ["ansible-builder", *arguments], env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


PAGE = (REPOSITORY / "docs" / "awx.md").read_text(encoding="utf-8")


def test_the_page_names_everything_that_is_created() -> None:
    found = controller.configuration()
    for kind in ("controller_credential_types", "controller_workflows", "controller_schedules"):
        assert [one["name"] for one in found[kind] if f"| `{one['name']}` |" not in PAGE] == []
    settings = set(re.findall(r"\bpgdr_controller_\w+", controller.dumped(found)))
    assert settings == set(re.findall(r"\bpgdr_controller_\w+", PAGE))


def test_the_example_of_the_page_has_all_settings_without_a_default() -> None:
    blocks = [
        yaml.safe_load(block.text) for block in examples.markdown_blocks(REPOSITORY / "docs" / "awx.md", ("yaml",))
    ]
    (settings,) = [block for block in blocks if isinstance(block, dict)]
    assert set(settings) == set(SETTINGS)


def test_the_page_has_the_keys_of_every_result() -> None:
    job = {"changed": True, "backup": {"id": "x", "status": "DONE"}}
    copy = {"error": "", "changed": True}
    made: dict[str, dict[str, Any]] = {
        "deploy": run_results.deploy_result([], [], {}, {}, check_mode=False),
        "preflight": run_results.preflight_result(
            Assessment(Decided((finding("no_monitoring", "backup", ""),)), [Unmeasured("same_disk", "pg", "facts")]),
            (
                [Forecast("backup", "pg", "backup", 1, 1.0, "measured")],
                [ForecastError("backup", "pg", "backup", "2026-11-30T00:00:00+00:00", 1.0, 1.0, 0.0)],
            ),
            [],
            [],
            check_mode=False,
        ),
        "backup": run_results.backup_result({"backup": [["pg", job]]}, [], check_mode=False),
        "check": run_results.check_result(
            {"backup": {"servers": {"pg": {"ok": True, "checks": {}}}}}, [], check_mode=False
        ),
        "drill": run_results.drill_result(
            {"backup": [["pg", {"drills": {}, "left": [{"server": "pg", "host": "spare", "directory": "/srv/x"}]}]]},
            [],
            check_mode=False,
        ),
        "decommission": run_results.decommission_result([], {}, [], [], {}, check_mode=False),
        "repair": run_results.repair_result({"backup": {"pg": copy}}, [], check_mode=False),
        "report": run_results.report_result(
            fleet_report({"backup_servers": {}}, {}, {}, [], utc_now(), ""), "/srv/x", check_mode=False
        ),
        "sync": run_results.sync_result({"backup": {"pg": copy}}, [], check_mode=False),
        "recover": run_results.recover_result({}, []),
        "verify": verification_result({"backup": {"jobs": [{"verifications": {"pg": {}}}]}}, {}, [], check_mode=False),
    }
    assert set(made) == set(RESULTS)
    for playbook, result in made.items():
        (row,) = [line for line in PAGE.splitlines() if line.startswith(f"| `{RESULTS[playbook]}` |")]
        nested = {
            key
            for value in result.values()
            if isinstance(value, list)
            for one in value
            if isinstance(one, dict)
            for key in one
        }
        assert set(re.findall(r"`(\w+)`", row)) - {RESULTS[playbook]} == (set(result) | nested) - ({"ok"} - nested), (
            playbook
        )


READ = yaml.safe_load(Path(__file__).with_name("aap_configuration.yml").read_text(encoding="utf-8"))


def test_the_configuration_has_the_names_that_the_roles_read() -> None:
    """The configuration-as-code collection reads these names, and ignores others without a message."""
    assert set(controller.configuration()) == set(READ)


@pytest.mark.parametrize("variable", sorted(READ))
def test_the_roles_read_each_key_of_the_items(variable: str) -> None:
    unread = {key for item in controller.configuration()[variable] for key in item} - set(READ[variable])
    assert unread == set()
