# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a job template of controller/ as AWX does: with ansible-runner, from the survey's answers as text, at verbosity 4.

python -m tests.tools.jobs TEMPLATE --inventory FILE ... [--answers JSON] [--artifacts JSON] [--credentials FILE] [--limit HOSTS] [--check]

Prints {"status", "stdout", "results", "events", "leaks"} as JSON. results: what set_stats returned. leaks: the files in which a secret was found.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import ansible_runner
import yaml

from tests.tools import controller
from tests.tools.stage import environment

VERBOSITY = 4
TOO_SHORT = 2
"""Characters of a secret that is not searched for: it would be found in every text."""


@dataclass(frozen=True)
class Job:
    """A launch of a job template.

    answers: of the survey. artifacts: what earlier jobs of the workflow returned. credentials: fields by name of the credential type. variables: those that the
    controller sets in each job.
    """

    template: str
    inventory: Sequence[str]
    answers: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Any] = field(default_factory=dict)
    credentials: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    variables: Mapping[str, Any] = field(default_factory=lambda: {"awx_job_id": 7, "tower_job_id": 7})
    limit: str = ""
    check: bool = False


@dataclass(frozen=True)
class Outcome:
    status: str
    stdout: str
    results: Mapping[str, Any]
    events: int
    leaks: list[str]


@cache
def configuration() -> Mapping[str, Sequence[Mapping[str, Any]]]:
    """Computed once, because reading all playbooks takes longer than everything else here."""
    return controller.configuration()


def template_of(name: str) -> Mapping[str, Any]:
    (found,) = [one for one in configuration()["controller_templates"] if one["name"] == name]
    return found


def injected(credentials: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The extra variables of the credentials, by the injectors of their types."""
    types = {one["name"]: one for one in configuration()["controller_credential_types"]}
    return {
        variable: fields[str(template).strip("{} ")]
        for name, fields in credentials.items()
        for variable, template in types[name]["injectors"]["extra_vars"].items()
    }


def extra_variables(job: Job) -> dict[str, Any]:
    """In AWX's order: the template's own, the survey's defaults, the artifacts of the workflow and the answers. Only what the survey asks for passes."""
    template = template_of(job.template)
    questions = template.get("survey_spec", {"spec": []})["spec"]
    unasked = set(job.answers) - {question["variable"] for question in questions}
    if unasked:
        raise ValueError(f"The survey of {job.template} does not ask for {', '.join(sorted(unasked))}")
    defaults = {question["variable"]: question["default"] for question in questions if "default" in question}
    return {
        **template["extra_vars"],
        **defaults,
        **job.artifacts,
        **job.answers,
        **injected(job.credentials),
        **job.variables,
    }


def unsafe(value: Any) -> Any:
    """All texts as AWX writes them: no template, whatever is in it."""
    if isinstance(value, Mapping):
        return {key: unsafe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [unsafe(item) for item in value]
    return controller.Unsafe(value) if isinstance(value, str) else value


def run(job: Job, directory: Path) -> Outcome:
    """Run it in an empty directory, which keeps the events."""
    template = template_of(job.template)
    (directory / "env").mkdir()
    (directory / "env" / "extravars").write_text(controller.dumped(unsafe(extra_variables(job))))
    options = ["--check", "--diff"] if job.check else []
    done = ansible_runner.run(
        private_data_dir=str(directory),
        project_dir=str(controller.PROJECT),
        playbook=template["playbook"],
        inventory=[str(Path(source).resolve()) for source in job.inventory],
        limit=job.limit or None,
        verbosity=VERBOSITY,
        cmdline=" ".join(options) or None,
        envvars={**environment(ANSIBLE_NOCOLOR="true"), "ANSIBLE_FORCE_COLOR": "false"},
        ident="job",
        quiet=True,
    )
    artifacts = directory / "artifacts" / "job"
    events = sorted((artifacts / "job_events").glob("*.json"))
    return Outcome(
        status=done.status,
        stdout=(artifacts / "stdout").read_text(errors="replace"),
        results=artifact_data(events),
        events=len(events),
        leaks=list(leaks(artifacts, secrets_of(job))),
    )


def artifact_data(events: Sequence[Path]) -> dict[str, Any]:
    """What the run returned with set_stats, as AWX reads it from the last event."""
    for path in events:
        event = json.loads(path.read_text())
        if event.get("event") == "playbook_on_stats":
            found: dict[str, Any] = event["event_data"].get("artifact_data") or {}
            return found
    return {}


def secrets_of(job: Job) -> list[str]:
    return [value for fields in job.credentials.values() for value in fields.values() if len(value) > TOO_SHORT]


def leaks(directory: Path, secrets: Sequence[str]) -> Iterator[str]:
    """The files that contain a secret, as it is or as JSON writes it."""
    forms = {form.encode() for secret in secrets for form in (secret, json.dumps(secret)[1:-1])}
    for path in sorted(directory.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            if any(form in content for form in forms):
                yield str(path.relative_to(directory))


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("template")
    parser.add_argument("--inventory", action="append", default=[])
    parser.add_argument("--answers", type=json.loads, default={})
    parser.add_argument("--artifacts", type=json.loads, default={})
    parser.add_argument("--credentials", type=Path)
    parser.add_argument("--limit", default="")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args(arguments)
    job = Job(
        template=given.template,
        inventory=given.inventory,
        answers=given.answers,
        artifacts=given.artifacts,
        credentials=yaml.safe_load(given.credentials.read_text())["job_credentials"] if given.credentials else {},
        limit=given.limit,
        check=given.check,
    )
    with tempfile.TemporaryDirectory(prefix="pgdr-") as directory:
        outcome = run(job, Path(directory))
    print(json.dumps(asdict(outcome)))
    return 0 if outcome.status == "successful" and not outcome.leaks else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
