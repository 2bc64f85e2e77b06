# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of other runs' SSH trust that a recovery removes."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest

from ansible_collections.pgdr.barman.plugins.filter.ended_run_lines import ended_run_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.run_lines import ended_lines

NOW = "20261120103045"
ENDED, OTHER = "20261119T000000Z-dead00", "20261120T083000Z-f3a9c1"


def line(run: str, expires: str = "20261121100000") -> str:
    return f'restrict,from="198.51.100.11",expiry-time="{expires}" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 pgdr.barman:recovery:barman@backup:{run}'


def removed(text: str, ended: list[str], now: str = NOW) -> bool:
    return re.search(ended_lines(ended, now), text) is not None


def test_a_line_of_a_run_that_has_ended_is_removed() -> None:
    assert removed(line(ENDED), [ENDED])
    assert removed(line(ENDED), [OTHER, ENDED], "")


def test_a_line_of_a_run_that_nobody_knows_stays_until_it_expires() -> None:
    """It may have begun after this run looked for the runs that go on."""
    assert not removed(line(OTHER), [ENDED])
    assert not removed(line(OTHER), [])
    assert not removed(line(OTHER, "20261120103045"), [])
    assert removed(line(OTHER, "20261120103044"), [])
    assert not removed(line(OTHER, "20200101000000"), [], "")


def test_every_earlier_time_has_passed_and_no_later_one() -> None:
    now = datetime.strptime(NOW, "%Y%m%d%H%M%S")
    for seconds in (0, 1, 5, 6, 45, 46, 59, 60, 61, 3600, 86399, 86400, 40 * 86400, 400 * 86400, 5000 * 86400):
        earlier, later = now - timedelta(seconds=seconds), now + timedelta(seconds=seconds)
        assert removed(line(OTHER, earlier.strftime("%Y%m%d%H%M%S")), []) == (seconds > 0), seconds
        assert not removed(line(OTHER, later.strftime("%Y%m%d%H%M%S")), []), seconds


@pytest.mark.parametrize(
    "text",
    [
        # A lasting line of the architecture, and one that somebody has laid with the role for a while, without a run.
        'restrict,from="198.51.100.11" ssh-ed25519 AAAA pgdr.barman:rsync:barman@backup',
        'restrict,from="198.51.100.11",expiry-time="20200101000000" ssh-ed25519 AAAA pgdr.barman:recovery:barman@backup',
        'restrict,expiry-time="20200101000000" ssh-ed25519 AAAA somebody@else',
        "ssh-ed25519 AAAA 20261119T000000Z-dead00",
        "",
    ],
)
def test_other_lines_stay(text: str) -> None:
    assert not removed(text, [ENDED])


@pytest.mark.parametrize("arguments", [("a", ""), (None, ""), ([], "tomorrow"), ([], "2026")])
def test_wrong_input_has_a_message(arguments: tuple[object, str]) -> None:
    with pytest.raises(Exception, match="ended_run_lines"):
        ended_run_lines(*arguments)  # type: ignore[arg-type]
