# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.lab import network
from tests.lab.spec import Machine

ONE = Machine("a", "one", "sid", "198.51.100.20")
TWO = Machine("a", "two", "sid", "198.51.100.254")


def test_a_links_name_fits_the_kernel():
    assert network.link(TWO) == "pgdrlab-254"
    assert len(network.link(TWO)) <= 15


def test_hardware_addresses_follow_the_address():
    assert network.hardware_address(ONE.number) == "02:c6:33:64:00:14"
    assert network.hardware_address(TWO.number) == "02:c6:33:64:00:fe"


def test_a_cut_drops_what_arrives_in_the_machines_own_namespace():
    assert network.cut_command("-I", ONE, TWO) == [
        *("ip", "netns", "exec", "pgdrlab-a-one", "iptables", "-w", "10", "-t", "filter", "-I", "INPUT"),
        *("-s", "198.51.100.254", "-m", "comment", "--comment", "pgdr-lab", "-j", "DROP"),
    ]


@pytest.mark.parametrize("rule", network.RULES)
def test_every_rule_on_the_host_carries_our_name_and_its_removal_names_the_same_rule(rule):
    added, removed = network.rule_command("-I", rule), network.rule_command("-D", rule)
    assert "pgdr-lab" in added
    assert [part for part in added if part != "-I"] == [part for part in removed if part != "-D"]


def test_cutting_writes_to_both_sides(monkeypatch):
    commands = []

    class Done:
        returncode = 1

    def run(argv, **_):
        commands.append(argv)
        return Done()

    monkeypatch.setattr(network, "run", run)
    network.cut(ONE, TWO)
    assert network.cut_command("-I", ONE, TWO) in commands
    assert network.cut_command("-I", TWO, ONE) in commands


def test_cutting_one_off_wholly_takes_its_link_down(monkeypatch):
    commands = []
    monkeypatch.setattr(network, "run", lambda argv, **_: commands.append(argv))
    network.cut(ONE, None)
    network.heal(ONE, None)
    assert commands == [["ip", "link", "set", "pgdrlab-20", "down"], ["ip", "link", "set", "pgdrlab-20", "up"]]


def test_nothing_is_swept_where_there_never_was_a_lab_and_no_iptables(monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(network, "run", lambda argv, **_: commands.append(argv))
    monkeypatch.setattr(network, "_namespaces", list)
    monkeypatch.setattr(network, "_links", list)
    monkeypatch.setattr(network, "_exists", lambda name: False)
    monkeypatch.setattr(network, "BEFORE", tmp_path / "none")
    monkeypatch.setenv("PATH", str(tmp_path))
    network.close_shared()
    assert commands == []
