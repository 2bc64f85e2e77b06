# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of one run's SSH trust: whose they are, and which ones another run removes."""

from __future__ import annotations

import re

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology import ssh_lines
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.requirement_types import SshConnection
from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.run_lines import ended_lines

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey barman@backup"
ENDED = "20261119T000000Z-dead00"
LIVE = "20261120T083000Z-f3a9c1"
OWN = "20261120T090000Z-0b1c2d"
CONNECTION: SshConnection = {
    "from_host": "backup",
    "from_hosts": ["backup"],
    "from_user": "barman",
    "from_addresses": ["198.51.100.11"],
    "to_host": "pg",
    "to_hosts": ["pg"],
    "to_user": "postgres",
    "to_address": "198.51.100.21",
    "to_port": 2222,
    "purpose": "recovery",
    "forced_command": None,
    "expires": "20261121100000",
    "run": OWN,
}


KNOWN = ssh_lines.KnownKeys({"backup": {"barman": KEY}}, {"pg": ["ssh-ed25519 AAAAhost"]})


def test_a_line_names_its_run_and_lapses() -> None:
    line = ssh_lines.run_line(CONNECTION, KNOWN)
    assert line == (
        'restrict,from="198.51.100.11",expiry-time="20261121100000" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey '
        f"pgdr.barman:recovery:barman@backup:{OWN}"
    )
    assert line.endswith(" " + ssh_lines.comment(CONNECTION))
    assert ssh_lines.run_known_hosts(CONNECTION, KNOWN) == ["[198.51.100.21]:2222 ssh-ed25519 AAAAhost"]


def test_a_run_has_no_lasting_line() -> None:
    assert ssh_lines.authorized_keys([CONNECTION], "pg", "postgres", KNOWN) == []
    assert ssh_lines.known_hosts([CONNECTION], "backup", "barman", KNOWN) == []


def test_only_lines_of_runs_that_have_ended_are_removed() -> None:
    line = ssh_lines.run_line(CONNECTION, KNOWN)
    ended = ended_lines([ENDED], "20261120100000")
    # One that was laid after this run had looked for others.
    assert not re.search(ended, line.replace(OWN, LIVE))
    assert not re.search(ended, line)
    assert re.search(ended, line.replace(OWN, ENDED))
    expired = line.replace(OWN, LIVE).replace("20261121100000", "20261120095959")
    assert re.search(ended, expired)


LASTING: SshConnection = {**CONNECTION, "purpose": "backup"}
del LASTING["run"], LASTING["expires"]


def test_one_line_for_each_key() -> None:
    """sshd takes the first line that has the key, and instances on one machine share theirs."""
    other: SshConnection = {**LASTING, "purpose": "archiving", "forced_command": "barman put-wal pg"}
    assert ssh_lines.authorized_keys([LASTING, other], "pg", "postgres", KNOWN) == [
        'restrict,from="198.51.100.11" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey pgdr.barman:backup:barman@backup'
    ]
    assert ssh_lines.authorized_keys([other], "pg", "postgres", KNOWN) == [
        'restrict,from="198.51.100.11",command="barman put-wal pg" ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKey '
        "pgdr.barman:archiving:barman@backup"
    ]
    assert ssh_lines.authorized_keys([LASTING], "pg", "another", KNOWN) == []


def test_a_key_that_is_not_known_has_no_line_and_stays_as_it_is() -> None:
    nothing = ssh_lines.KnownKeys()
    assert ssh_lines.authorized_keys([LASTING], "pg", "postgres", nothing) == []
    assert ssh_lines.desired([LASTING], "pg", nothing) == ["postgres - backup:barman@backup"]
    assert ssh_lines.desired([LASTING], "pg", KNOWN) == ["postgres AAAAC3NzaC1lZDI1NTE5AAAAIKey backup:barman@backup"]
    assert ssh_lines.run_line(CONNECTION, nothing) == ""


def test_known_hosts_of_a_recovery_are_marked() -> None:
    assert ssh_lines.known_hosts([LASTING], "backup", "barman", KNOWN) == ["[198.51.100.21]:2222 ssh-ed25519 AAAAhost"]
    recovery: SshConnection = {**LASTING, "purpose": "recovery", "to_port": 22}
    assert ssh_lines.known_hosts([recovery], "backup", "barman", KNOWN) == [
        "198.51.100.21 ssh-ed25519 AAAAhost pgdr.barman:recovery"
    ]
