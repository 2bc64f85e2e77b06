# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import dataclasses
import json

import pytest

from tests.lab.spec import Disk, Lab, Machine, SpecError, clashes, parse, parse_size

TWO = """
lab: quickstart
machines:
  - {name: pg, image: debian13, address: 198.51.100.10, zone: eu}
  - {name: backup, image: debian12, address: 198.51.100.11, disks: [{path: /var/lib/barman, size: 64M}]}
"""


def problems(text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        parse(text, "lab.yml")
    return caught.value.problems


def machine_problem(**changes: object) -> str:
    machine = {"name": "pg", "image": "debian13", "address": "198.51.100.10", **changes}
    (problem,) = problems(json.dumps({"lab": "x", "machines": [machine]}))
    return problem


def test_a_lab_with_two_machines():
    assert parse(TWO, "lab.yml") == Lab(
        "quickstart",
        (
            Machine("quickstart", "pg", "debian13", "198.51.100.10", "eu"),
            Machine("quickstart", "backup", "debian12", "198.51.100.11", "", (Disk("/var/lib/barman", 64 * 1024**2),)),
        ),
    )


def test_names_are_resolved_only_when_asked():
    assert parse(TWO, "lab.yml").resolve_names is False
    assert parse(TWO + "resolve_names: true\n", "lab.yml").resolve_names is True
    assert problems(TWO + "resolve_names: sometimes\n") == [
        "lab.yml: `resolve_names` must be true or false, not 'sometimes'"
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- pg", "must be a mapping"),
        ("", "must be a mapping"),
        ("lab: [", "not YAML"),
        ("machines: [{name: pg, image: sid, address: 198.51.100.9}]", "`lab` must be a name"),
        ("{lab: Upper, machines: [{name: pg, image: sid, address: 198.51.100.9}]}", "not 'Upper'"),
        ("lab: x", "one machine at least"),
        ("{lab: x, machines: []}", "one machine at least"),
        ("{lab: x, machines: [pg]}", "machine 1 must be a mapping"),
        ("{lab: x, hosts: [], machines: [{name: pg, image: sid, address: 198.51.100.9}]}", "unknown key `hosts`"),
    ],
)
def test_what_the_file_must_be(text, expected):
    (problem,) = problems(text)
    assert problem.startswith("lab.yml: ")
    assert expected in problem


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"name": "pg_1"}, "`name` must be of"),
        ({"name": None}, "`name` must be of"),
        ({"name": "../up"}, "`name` must be of"),
        ({"image": "debian11"}, "one of debian12, debian13, sid, not 'debian11'"),
        ({"address": "192.0.2.1"}, "must be in 198.51.100.0/24"),
        ({"address": "198.51.100.1"}, "the host's own"),
        ({"address": "198.51.100.255"}, "not its first, last"),
        ({"address": "pg.example"}, "must be an IPv4 address"),
        ({"address": 10}, "must be an IPv4 address"),
        ({"zone": 3}, "`zone` must be a string"),
        ({"memory": "1G"}, "unknown key `memory`"),
        ({"disks": "/srv"}, "`disks` must be a list"),
        ({"disks": [{"path": "/srv"}]}, "needs `path` and `size`"),
        ({"disks": [{"path": "srv", "size": "1G"}]}, "must be absolute"),
        ({"disks": [{"path": "/srv/../etc", "size": "1G"}]}, "must be absolute, plain"),
        ({"disks": [{"path": "/srv/", "size": "1G"}]}, "without a slash at its end"),
        ({"disks": [{"path": "/var", "size": "1G"}]}, "would hide the system"),
        ({"disks": [{"path": "/srv", "size": 1024}]}, "is not like 256M or 2G"),
        ({"disks": [{"path": "/srv", "size": "1G"}, {"path": "/srv", "size": "2G"}]}, "disk /srv is given twice"),
    ],
)
def test_what_a_machine_must_be(changes, expected):
    problem = machine_problem(**changes)
    assert expected in problem
    assert problem.startswith("lab.yml: machine ")


def test_every_problem_is_reported_at_once():
    found = problems(
        "{lab: x, machines: [{name: A, image: b, address: c}, {name: d, image: sid}, {name: e, image: sid, address: 198.51.100.8}]}"
    )
    assert len(found) == 4


def test_a_name_or_an_address_given_twice():
    found = problems(
        "{lab: x, machines: [{name: a, image: sid, address: 198.51.100.8}, {name: a, image: sid, address: 198.51.100.8}]}"
    )
    assert found == ["lab.yml: name a is given twice", "lab.yml: address 198.51.100.8 is given twice"]


@pytest.mark.parametrize(("text", "size"), [("16M", 16 * 1024**2), ("256M", 256 * 1024**2), ("2G", 2 * 1024**3)])
def test_sizes(text, size):
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["15M", "65G", "0M", "1", "1T", "1.5G", "-1G", "", None, 5])
def test_sizes_that_are_none(text):
    with pytest.raises(ValueError, match="size"):
        parse_size(text)


def test_a_machine_survives_its_record():
    for machine in parse(TWO, "lab.yml").machines:
        assert Machine.from_dict(json.loads(json.dumps(machine.to_dict()))) == machine


def test_the_same_lab_again_is_no_clash():
    machines = parse(TWO, "lab.yml").machines
    assert clashes(machines, machines) == []
    assert clashes(machines, []) == []


def test_another_labs_address_is_a_clash():
    pg, _ = parse(TWO, "lab.yml").machines
    (problem,) = clashes([pg], [dataclasses.replace(pg, lab="other", name="db")])
    assert "quickstart/pg needs 198.51.100.10, which other/db has" in problem
    assert "take lab `other` down" in problem


def test_the_same_name_in_another_lab_is_none():
    pg, _ = parse(TWO, "lab.yml").machines
    assert clashes([pg], [dataclasses.replace(pg, lab="other", address="198.51.100.99")]) == []


def test_a_changed_definition_is_a_clash():
    pg, _ = parse(TWO, "lab.yml").machines
    (problem,) = clashes([dataclasses.replace(pg, image="sid")], [pg])
    assert "there already with another definition" in problem
