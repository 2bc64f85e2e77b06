# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which message is sent when: a storm is one message, and what ends is reported once."""

from __future__ import annotations

import json

from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.fault import Fault, FaultKind
from ansible_collections.pgdr.barman.plugins.module_utils._notify.message import payload_of, subject_of, text_of
from ansible_collections.pgdr.barman.plugins.module_utils._notify.plan import (
    ChannelState,
    Message,
    NotifierState,
    NotifyPolicy,
    after,
    opened_at,
    parse_state,
    plan_message,
    relevant,
    state_as_json,
)

STOPPED = FaultKind("BarmanReceiverStopped", "critical", "Run `barman cron` for {server}.")
LAGGING = FaultKind("BarmanReceiverLagging", "warning", "Compare the write rate of {server}.")
POLICY = NotifyPolicy()


def stopped(name: str) -> Fault:
    return Fault(STOPPED, name, "the WAL receiver\ndoes not run")


class Life:
    """One channel over time; a run each minute."""

    def __init__(self, policy: NotifyPolicy = POLICY) -> None:
        self.policy = policy
        self.state = NotifierState()
        self.now = 1_000_000.0
        self.messages: list[Message] = []

    def minute(self, *faults: Fault, sent: bool = True) -> Message | None:
        self.now += 60
        kept = relevant(faults, self.policy)
        opened = opened_at(self.state, kept, self.now)
        channel = self.state.channels.get("mail", ChannelState())
        message = plan_message(channel, kept, opened, self.now, self.policy)
        if message is not None and sent:
            self.messages.append(message)
            channel = after(message, self.now)
        # As it is written and read.
        self.state = parse_state(json.loads(json.dumps(state_as_json(NotifierState(opened, {"mail": channel})))))
        return message


def subjects(faults: object) -> list[str]:
    return [one.subject for one in faults]  # type: ignore[attr-defined]


def test_a_storm_is_one_message() -> None:
    life = Life()
    storm = [stopped(f"pg-{number}") for number in range(50)]
    for _ in range(5):
        life.minute(*storm)
    assert [len(message.new) for message in life.messages] == [50]


def test_what_comes_later_is_one_message_after_the_interval() -> None:
    life = Life()
    for count in range(1, 16):
        life.minute(*(stopped(f"pg-{number}") for number in range(count)))
    assert len(life.messages) == 1
    for _ in range(3):
        life.minute(*(stopped(f"pg-{number}") for number in range(16)))
    assert len(life.messages) == 2
    assert len(life.messages[1].new) == 15
    assert subjects(life.messages[1].lasting) == ["pg-0"]


def test_what_ends_at_once_is_not_reported() -> None:
    life = Life()
    for _ in range(20):
        assert life.minute(stopped("pg")) is None
        assert life.minute() is None


def test_an_end_is_reported_once() -> None:
    life = Life()
    for _ in range(3):
        life.minute(stopped("pg"))
    for _ in range(30):
        life.minute()
    assert [(len(one.new), len(one.ended)) for one in life.messages] == [(1, 0), (0, 1)]
    assert life.messages[1].ended == ["pg: the WAL receiver does not run. Run `barman cron` for pg."]


def test_a_fault_that_lasts_is_reported_again_each_day() -> None:
    life = Life()
    for _ in range(2 * 1440 + 10):
        life.minute(stopped("pg"))
    assert [(len(one.new), len(one.lasting)) for one in life.messages] == [(1, 0), (0, 1), (0, 1)]


def test_a_message_that_was_not_sent_is_sent_in_the_next_run() -> None:
    life = Life()
    life.minute(stopped("pg"))
    life.minute(stopped("pg"))
    assert life.minute(stopped("pg"), sent=False) is not None
    assert life.minute(stopped("pg")) is not None
    assert life.minute(stopped("pg")) is None


def test_a_clock_that_was_set_back_silences_nothing() -> None:
    life = Life()
    for _ in range(3):
        life.minute(stopped("pg"))
    life.now -= 10 * 86400
    for _ in range(20):
        life.minute(stopped("pg"), stopped("other"))
    assert "other" in [name for one in life.messages for name in subjects(one.new)]


def test_only_the_declared_severity() -> None:
    warning = Fault(LAGGING, "pg", "behind")
    assert relevant([warning, stopped("pg")], POLICY) == [stopped("pg"), warning]
    assert relevant([warning, stopped("pg")], NotifyPolicy(severity="critical")) == [stopped("pg")]


def test_without_patience_the_first_run_reports() -> None:
    life = Life(NotifyPolicy(patience=0.0))
    assert life.minute(stopped("pg")) is not None


def test_a_state_that_cannot_be_read_is_none() -> None:
    values: list[object] = [{}, None, [], {"opened": [], "channels": {}}, {"opened": {"a": "x"}, "channels": {}}]
    for value in values:
        assert parse_state(value) == NotifierState()


def test_the_message_names_server_cause_and_remedy() -> None:
    message = Message([stopped("pg")], [Fault(LAGGING, "db", "behind")], ["old: gone"])
    assert subject_of(message, "backup") == "Barman on backup: 2 faults (1 critical, 1 new)"
    assert text_of(message).splitlines() == [
        "New:",
        "- critical: pg: the WAL receiver does not run. Run `barman cron` for pg.",
        "",
        "Still there:",
        "- warning: db: behind. Compare the write rate of db.",
        "",
        "Ended:",
        "- old: gone",
    ]
    payload = payload_of(message, "backup")
    assert payload["status"] == "firing"
    assert payload["new"][0]["name"] == "BarmanReceiverStopped"
    assert payload["text"].startswith("Barman on backup: 2 faults")
    ended = Message(ended=["old: gone"])
    assert subject_of(ended, "backup") == "Barman on backup: no fault any more"
    assert payload_of(ended, "backup")["status"] == "resolved"
