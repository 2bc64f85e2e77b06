# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The skeleton of the modules: what Ansible gets of a result, and of an error."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible.release import __version__

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._host.result import Result, ServerOutcome, per_server
from ansible_collections.pgdr.barman.plugins.module_utils._module import run_module
from tests.unit.plugins.modules.running import run_main

RELEASE = tuple(int(part) for part in __version__.split(".")[:2])
ARGUMENTS = {"name": {"type": "str"}, "other": {"type": "str"}}


def answer(capsys: pytest.CaptureFixture[str], operation: Any, constraints: Any = None, **arguments: Any) -> Any:
    return run_main(partial(run_module, ARGUMENTS, operation, **(constraints or {})), capsys, **arguments)


def test_a_result_is_the_answer(capsys: pytest.CaptureFixture[str]) -> None:
    def operation(params: dict[str, Any], *, check_mode: bool) -> Result:
        return Result(not check_mode, {"given": params["name"]}, warnings=["careful"], diff={"before": "a"})

    shown = answer(capsys, operation, name="pg", diff=True)
    assert (shown["changed"], shown["given"], shown["diff"]) == (True, "pg", {"before": "a"})
    assert "careful" in str(shown["warnings"])
    checked = answer(capsys, operation, check_mode=True)
    assert checked["changed"] is False
    assert "diff" not in checked


def test_a_failure_keeps_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    shown = answer(capsys, lambda params, check_mode: Result(changed=True, values={"left": 1}, failure="one is left"))
    assert (shown["failed"], shown["msg"], shown["changed"], shown["left"]) == (True, "one is left", True, 1)


def test_an_error_has_its_details_or_those_of_the_module(capsys: pytest.CaptureFixture[str]) -> None:
    class Detailed(HostError):
        details = {"servers": {"pg": 1}}  # noqa: RUF012

    def raises(error: HostError) -> Any:
        def operation(params: dict[str, Any], *, check_mode: bool) -> Result:
            raise error

        return operation

    on_error: dict[str, Any] = {"on_error": {"servers": {}}}
    assert answer(capsys, raises(HostError("no")), on_error)["servers"] == {}
    assert answer(capsys, raises(Detailed("no")), on_error)["servers"] == {"pg": 1}
    assert answer(capsys, raises(HostError("no")))["msg"] == "no"


def test_constraints_are_ansible_s(capsys: pytest.CaptureFixture[str]) -> None:
    constraints = {"mutually_exclusive": [("name", "other")]}
    shown = answer(capsys, lambda params, check_mode: Result(), constraints, name="a", other="b")
    assert "mutually exclusive: name|other" in shown["msg"]


@pytest.mark.parametrize("result", [Result(), Result(failure="no"), None])
def test_masked_arguments_are_neither_returned_nor_logged(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, result: Result | None
) -> None:
    logged: list[str] = []
    monkeypatch.setattr(AnsibleModule, "_log_to_syslog", lambda self, text: logged.append(text))

    def operation(params: dict[str, Any], *, check_mode: bool) -> Result:
        if result is None:
            raise HostError("no")
        return result

    masking = {"masking": lambda params: {**params, "name": "********"}}
    shown = answer(capsys, operation, masking, name="sesame", other="x")
    # From ansible-core 2.21 on, the arguments are returned only to a task that asks for them.
    if "invocation" in shown or RELEASE < (2, 21):
        assert shown["invocation"]["module_args"] == {"name": "********", "other": "x"}
    assert "sesame" not in json.dumps(shown) + "".join(logged)


def test_one_server_that_fails_does_not_hide_the_others() -> None:
    done = ServerOutcome({"slot": "barman"}, changed=True, before={"slot": None}, after={"slot": "barman"})
    failed = ServerOutcome(warnings=["slow"])
    failed.fail(HostError("no route"), "server 'b': %s")
    result = per_server({"a": done, "b": failed})
    assert result.changed
    assert result.failure == "server 'b': no route"
    assert list(result.warnings) == ["slow"]
    assert result.diff == {"before": {"a": {"slot": None}}, "after": {"a": {"slot": "barman"}}}
    assert result.values["servers"]["a"] == {"slot": "barman", "changed": True, "error": None, "error_kind": None}
    assert result.values["servers"]["b"]["error_kind"] == "other"
