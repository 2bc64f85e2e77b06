# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a backup server has for Prometheus and Nagios."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.build import build

SECRETS = {"barman_postgres_password": "x", "barman_streaming_password": "x", "barman_postgres_version": 17}
PG = {
    "db1": {
        **SECRETS,
        "barman_backup_server": "backup",
        "barman_server_name": "orders",
        "barman_passive_servers": ["other"],
    },
    "db2": {**SECRETS, "barman_backup_server": "backup", "barman_backup_schedule": "0 3 * * 0"},
    "db3": {**SECRETS, "barman_backup_server": "backup", "barman_backup_schedule": ""},
}


def barman(host: str = "backup", **variables: Any) -> dict[str, Any]:
    outcome = build(PG, {"backup": dict(variables), "other": dict(variables)})
    assert outcome.problems == []
    found: dict[str, Any] = outcome.requirements[host]["barman"]  # type: ignore[assignment]
    return found


def test_nothing_by_default() -> None:
    found = barman()
    assert found["program"]["schedule_lines"] == []
    assert found["monitoring"] == {
        "prometheus": False,
        "nagios": False,
        "notify": False,
        "metrics_file": "/var/lib/prometheus/node-exporter/pgdr_barman.prom",
        "nrpe_lines": [],
        "sudoers_lines": [],
    }


def test_prometheus_is_a_line_of_cron() -> None:
    found = barman(barman_monitoring="prometheus", barman_textfile_directory="/srv/textfile")
    assert found["monitoring"]["prometheus"]
    assert found["program"]["schedule_lines"] == [
        "* * * * * root /usr/local/bin/pgdr-barman metrics --output /srv/textfile/pgdr_barman.prom --seconds 86400 2>&1 | logger -t pgdr-barman"
    ]
    assert found["monitoring"]["sudoers_lines"] == []


def test_nagios_has_one_command_for_all_and_one_for_each() -> None:
    found = barman(barman_monitoring=["nagios"], barman_nrpe_user="nrpe", barman_user="backup")["monitoring"]
    assert found["nrpe_lines"][1:] == [
        "command[check_barman]=/usr/bin/sudo -n -u backup /usr/local/bin/pgdr-barman nagios",
        "command[check_barman_db2]=/usr/bin/sudo -n -u backup /usr/local/bin/pgdr-barman nagios db2",
        "command[check_barman_db3]=/usr/bin/sudo -n -u backup /usr/local/bin/pgdr-barman nagios db3",
        "command[check_barman_orders]=/usr/bin/sudo -n -u backup /usr/local/bin/pgdr-barman nagios orders",
    ]
    assert found["sudoers_lines"][1:] == [
        "nrpe ALL=(backup) NOPASSWD: /usr/local/bin/pgdr-barman nagios",
        "nrpe ALL=(backup) NOPASSWD: /usr/local/bin/pgdr-barman nagios db2",
        "nrpe ALL=(backup) NOPASSWD: /usr/local/bin/pgdr-barman nagios db3",
        "nrpe ALL=(backup) NOPASSWD: /usr/local/bin/pgdr-barman nagios orders",
    ]


@pytest.mark.parametrize(
    ("host", "ages"), [("backup", {"orders": 36 * 3600, "db2": 10.5 * 86400}), ("other", {"orders": 36 * 3600})]
)
def test_the_age_of_a_backup_follows_from_its_schedule(host: str, ages: dict[str, float]) -> None:
    """A passive copy has the limit of its source."""
    assert barman(host)["program"]["settings"]["monitoring"]["backup_maximum_age"] == ages


def test_another_word_is_a_problem() -> None:
    outcome = build(PG, {"backup": {"barman_monitoring": ["zabbix"]}, "other": {}})
    assert [problem.variable for problem in outcome.problems] == ["barman_monitoring"]


def test_messages_need_a_line_of_cron_and_no_secret_is_among_the_requirements() -> None:
    found = barman(
        barman_monitoring=["notify"],
        barman_user="backup",
        barman_notify_mail="dba@example.net, ops@example.net",
        barman_notify_webhook_url="https://chat.example.net/hooks/secret-part",
        barman_notify_webhook_token="secret-token",
        barman_notify_interval="30",
    )
    assert found["program"]["schedule_lines"] == [
        "* * * * * backup /usr/local/bin/pgdr-barman notify 2>&1 | logger -t pgdr-barman"
    ]
    assert found["monitoring"]["notify"]
    assert found["variables"]["barman_notify_interval"] == 30
    assert found["variables"]["barman_notify_mail"] == ["dba@example.net", "ops@example.net"]
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"barman_monitoring": ["notify"]}, "barman_monitoring: has notify, and nobody would get a message"),
        ({"barman_notify_mail": ["a@example.net"]}, "barman_notify_mail: is set, and barman_monitoring does not have"),
        ({"barman_notify_webhook_url": "https://x"}, "barman_notify_webhook_url: is set, and barman_monitoring does"),
        (
            {"barman_hooks": {"post_backup_script": {"ready": "notify"}}},
            "barman_hooks.post_backup_script: reports by notify",
        ),
        (
            {"barman_hooks": {"post_archive_script": {"ready": "notify"}}},
            "barman_hooks.post_archive_script.ready: notify can't report from this hook",
        ),
        ({"barman_monitoring": ["notify"], "barman_notify_mail": ["a@x"], "barman_notify_severity": "all"}, "severity"),
    ],
)
def test_mistakes_of_messages(variables: dict[str, Any], expected: str) -> None:
    outcome = build(PG, {"backup": variables, "other": {}})
    assert any(expected in str(problem) for problem in outcome.problems), outcome.problems


def test_the_hook_reports_at_once_and_is_no_export() -> None:
    hooks = {"post_backup_script": {"ready": "notify"}}
    found = barman(barman_monitoring=["notify"], barman_notify_mail=["a@example.net"], barman_hooks=hooks)
    command = found["global_options"]["post_backup_script"]
    assert command.endswith("--timeout 3600 -- /usr/local/bin/pgdr-barman notify --hook")
    assert found["hooks"]["ready"] == []
    assert found["hooks"]["needed"]
