# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of cron and timers that take backups."""

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._adoption.schedules import (
    calendar_to_cron,
    cron_schedules,
    timer_schedules,
)
from tests.unit.plugins.module_utils._adoption.test_entries import SECRET_COMMANDS

OWN = "/etc/cron.d/barman-backups"


@pytest.mark.parametrize(
    ("line", "servers", "when", "incremental"),
    [
        ("30 2 * * * barman barman -q backup orders", ("orders",), "30 2 * * *", None),
        ("0 4 * * wed,sat barman /etc/tpa/ok && /usr/bin/barman backup orders", ("orders",), "0 4 * * wed,sat", None),
        ('@daily barman barman backup --wait "orders"', ("orders",), "@daily", None),
        ("0 4 * * * [ -x /usr/bin/barman ] && /usr/bin/barman -q backup --wait orders", ("orders",), "0 4 * * *", None),
        ("5\t3  * * * barman barman backup -j 4 --name=nightly a b >/dev/null 2>&1", ("a", "b"), "5 3 * * *", None),
        (
            "5 3 * * * barman barman -q backup --incremental latest-full a && barman switch-wal a",
            ("a",),
            "5 3 * * *",
            "latest-full",
        ),
        ("5 3 * * * barman barman -q -c /etc/x backup all; true", ("all",), "5 3 * * *", None),
    ],
)
def test_a_line_of_cron(line: str, servers: tuple[str, ...], when: str, incremental: str | None) -> None:
    (found,) = cron_schedules({"/etc/cron.d/x": f"MAILTO=barman backup\n# barman backup no\n{line}\n"}, OWN)
    assert (found.servers, found.when, found.incremental, found.ours) == (servers, when, incremental, False)


@pytest.mark.parametrize(
    "line",
    [
        "* * * * * barman barman -q cron",
        "0 1 * * * root rsync /var/lib/barman backup",
        "0 1 * * * barman barman backup --help",
    ],
)
def test_other_lines_take_no_backups(line: str) -> None:
    assert cron_schedules({"/etc/cron.d/x": line}, OWN) == []


def test_the_block_of_this_collection_is_recognized() -> None:
    line = "5 3 * * * barman barman -q backup a"
    text = f"# BEGIN pgdr.barman\nPATH=/usr/bin\n{line}\n# END pgdr.barman\n{line}\n"
    assert [one.ours for one in cron_schedules({OWN: text}, OWN)] == [True, False]


def test_a_password_in_a_line_is_not_repeated() -> None:
    (found,) = cron_schedules({"/etc/cron.d/x": "5 3 * * * barman PGPASSWORD=geheim barman backup a"}, OWN)
    assert "geheim" not in found.text


@pytest.mark.parametrize("command", SECRET_COMMANDS)
def test_a_line_that_may_have_a_secret_is_not_shown(command: str) -> None:
    line = f"5 3 * * * barman barman backup a && {command}"
    (found,) = cron_schedules({"/etc/cron.d/x": line}, OWN)
    assert (found.servers, found.when) == (("a",), "5 3 * * *")
    assert found.text == "barman backup (the rest is left out: it may have a secret)"
    service = f"[Service]\nExecStart=/bin/sh -c '{command}; barman backup a'\n"
    (found,) = timer_schedules({"/x.timer": "[Timer]\nOnCalendar=daily\n"}, {"/x.service": service})
    assert "hunter2" not in str(found.as_dict())


def test_a_comment_after_the_command_is_no_server() -> None:
    (found,) = cron_schedules({"/etc/cron.d/x": "5 3 * * * barman barman backup a # token hunter2"}, OWN)
    assert "hunter2" not in str(found.as_dict())
    assert found.servers == ("a",)


@pytest.mark.parametrize(
    ("calendar", "expression"),
    [
        ("daily", "0 0 * * *"),
        ("*-*-* 02:30:00", "30 2 * * *"),
        ("Mon,Fri *-*-* 04:05", "5 4 * * mon,fri"),
        ("Mon..Fri 22:00", "0 22 * * mon-fri"),
        ("*-*-01 00:00:00", "0 0 1 * *"),
        ("*-*-* 00/6:00:00", None),
        ("*-*-* 02:30:00 Europe/Rome", None),
    ],
)
def test_a_calendar_of_systemd(calendar: str, expression: str | None) -> None:
    assert calendar_to_cron(calendar) == expression


def test_a_timer() -> None:
    timers = {
        "/etc/systemd/system/b.timer": "[Timer]\nOnCalendar=daily\n",
        "/etc/systemd/system/c.timer": "[Timer]\nOnBootSec=5\n",
    }
    services = {
        "/etc/systemd/system/b.service": "[Service]\nUser=barman\nExecStart=/usr/bin/barman backup orders\n",
        "/etc/systemd/system/c.service": "[Service]\nExecStart=/usr/bin/barman backup billing\n",
    }
    found = timer_schedules(timers, services)
    assert [(one.servers, one.when) for one in found] == [(("orders",), "0 0 * * *"), (("billing",), None)]
