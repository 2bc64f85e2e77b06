# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order in which members restart: no standby runs with less than its primary has."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.restart_order import (
    MemberSetting,
    RestartingMember,
    RestartOrderError,
    restart_order,
)


def member(host: str, *, standby: bool, **settings: tuple[int, int]) -> RestartingMember:
    values = {name: MemberSetting(*both) for name, both in settings.items()}
    return RestartingMember(host, in_recovery=standby, settings=values)


def test_standbys_are_first_if_a_value_rises() -> None:
    order = restart_order(
        [
            member("a", standby=False, max_wal_senders=(3, 10)),
            member("c", standby=True, max_wal_senders=(3, 10)),
            member("b", standby=True, max_wal_senders=(3, 10)),
        ]
    )
    assert order.hosts == ("b", "c", "a")
    assert order.after_primary == frozenset()


def test_the_primary_is_first_if_a_value_falls() -> None:
    order = restart_order(
        [member("b", standby=True, max_connections=(500, 100)), member("a", standby=False, max_connections=(500, 100))]
    )
    assert order.hosts == ("a", "b")
    assert order.after_primary == {"b"}


def test_each_standby_has_its_own_place() -> None:
    order = restart_order(
        [
            member("a", standby=False, max_connections=(500, 100)),
            # Its restart brings something else.
            member("b", standby=True, max_connections=(500, 500)),
            member("c", standby=True, max_connections=(500, 100)),
        ]
    )
    assert order.hosts == ("b", "a", "c")
    assert order.after_primary == {"c"}


def test_a_value_that_is_the_same_does_not_matter() -> None:
    order = restart_order(
        [member("a", standby=False, max_connections=(100, 100)), member("b", standby=True, max_connections=(100, 100))]
    )
    assert order.hosts == ("b", "a")


def test_standbys_without_their_primary() -> None:
    order = restart_order(
        [member("c", standby=True, max_connections=(500, 100)), member("b", standby=True, max_connections=(1, 2))]
    )
    assert order.hosts == ("b", "c")


def test_one_value_rises_and_another_falls() -> None:
    both = {"max_connections": (500, 100), "max_wal_senders": (3, 10)}
    with pytest.raises(RestartOrderError) as caught:
        restart_order([member("a", standby=False, **both), member("b", standby=True, **both)])
    assert str(caught.value) == (
        "max_wal_senders rises and max_connections falls with the restart of a and b. A standby has to restart before its primary for the one, and after it "
        "for the other. Set max_connections back to the running value on both, run this again, and lower it afterwards"
    )


def test_a_standby_that_would_have_less_than_its_primary() -> None:
    with pytest.raises(RestartOrderError, match=r"max_wal_senders will be 5 on b, a standby, and 10 on a, its primary"):
        restart_order(
            [member("a", standby=False, max_wal_senders=(3, 10)), member("b", standby=True, max_wal_senders=(3, 5))]
        )


NAMES = ("max_connections", "max_wal_senders")
VALUES = st.integers(1, 4)
SETTINGS = st.fixed_dictionaries({name: st.tuples(VALUES, VALUES) for name in NAMES})


@given(primary=SETTINGS, standbys=st.lists(SETTINGS, max_size=3))
def test_no_step_leaves_a_standby_with_less(
    primary: dict[str, tuple[int, int]], standbys: list[dict[str, tuple[int, int]]]
) -> None:
    """Whatever the values are, if the standbys have enough at the beginning."""
    values = {"p": primary, **{f"s{number}": one for number, one in enumerate(standbys)}}
    if any(one[name][0] < primary[name][0] for one in standbys for name in NAMES):
        return
    try:
        order = restart_order(member(host, standby=host != "p", **one) for host, one in values.items())
    except RestartOrderError:
        return
    assert sorted(order.hosts) == sorted(values)
    running = {host: {name: both[0] for name, both in one.items()} for host, one in values.items()}
    for host in order.hosts:
        running[host] = {name: both[1] for name, both in values[host].items()}
        assert all(running[one][name] >= running["p"][name] for one in running for name in NAMES)
