# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""synchronous_standby_names: read as PostgreSQL reads it, added to, and taken away from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._postgres.standby_names import (
    Change,
    StandbyNamesError,
    change,
    never_without,
    parse,
)

NAME = "barman_receive_wal"
OURS = 'FIRST 1 ("barman_receive_wal")'


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "method", "number", "names"),
    [
        ("", "FIRST", 1, []),
        ("  ", "FIRST", 1, []),
        ("a", "FIRST", 1, ["a"]),
        ("a, b", "FIRST", 1, ["a", "b"]),
        ("*", "FIRST", 1, ["*"]),
        ("2 (a, b)", "FIRST", 2, ["a", "b"]),
        ("2(a,b)", "FIRST", 2, ["a", "b"]),
        ("FIRST 2 (a, b, c)", "FIRST", 2, ["a", "b", "c"]),
        ("first 1 (*)", "FIRST", 1, ["*"]),
        ("ANY 1 (s1, s2)", "ANY", 1, ["s1", "s2"]),
        ("aNy 1(s1)", "ANY", 1, ["s1"]),
        ('"s-1", "any", "a""b"', "FIRST", 1, ["s-1", "any", 'a"b']),
        ('"a, b (c)"', "FIRST", 1, ["a, b (c)"]),
        ("1, 2", "FIRST", 1, ["1", "2"]),
        ("1", "FIRST", 1, ["1"]),
        ("1 (1)", "FIRST", 1, ["1"]),
        ("anything, firsts, a$1, _x", "FIRST", 1, ["anything", "firsts", "a$1", "_x"]),
        ("\tANY\n2\r(a ,b)", "ANY", 2, ["a", "b"]),
        ("grün", "FIRST", 1, ["grün"]),
    ],
)
def test_what_postgresql_takes(text, method, number, names):
    found = parse(text)
    assert (found.method, found.number, found.names) == (method, number, names)


@pytest.mark.parametrize(
    "text",
    [
        "a b",
        "a,",
        ",a",
        "a,,b",
        "any",
        "FIRST",
        "ANY (a)",
        "FIRST 1 a",
        "FIRST 1 ()",
        "FIRST 1 (a",
        "FIRST 1 a)",
        "0 (a)",
        "a-b",
        '"a',
        "2a",
        "(a)",
        "1 (a) b",
        "FIRST 1 (any)",
        "FIRST x (a)",
        "ANY 1, b",
        "1 (a), b",
    ],
)
def test_what_postgresql_refuses(text):
    with pytest.raises(StandbyNamesError, match="can't be read"):
        parse(text)


names = st.one_of(
    st.from_regex(r"[a-z_][a-z0-9_]{0,6}", fullmatch=True).filter(lambda name: name not in ("any", "first")),
    st.text(st.characters(codec="utf-8", exclude_characters='"\0'), min_size=1, max_size=6).map(
        lambda name: f'"{name}"'
    ),
)
lists = st.lists(names, min_size=1, max_size=4)


@given(method=st.sampled_from(["FIRST", "ANY"]), number=st.integers(1, 5), standbys=lists)
def test_what_is_read_is_written_as_it_was(method, number, standbys):
    text = f"{method} {number} ({', '.join(standbys)})"
    assert str(parse(text)) == text


# --- always waited for ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [NAME, OURS, f"FIRST 2 (a, {NAME})", f"ANY 2 (a, {NAME})", f'2 ({NAME}, "s-1")'],
)
def test_a_standby_that_every_commit_waits_for(text):
    assert never_without(text, NAME) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty, and does not name"),
        ("a", "is 'a', and does not name"),
        (NAME.upper(), "does not name"),
        # When it is gone the next one in the list takes its place.
        (f"{NAME}, a", "wait for 1 of 2"),
        (f"FIRST 2 ({NAME}, a, b)", "wait for 2 of 3"),
        (f"ANY 1 ({NAME}, a)", "wait for 1 of 2"),
        ("*", "does not name"),
        (f"2 ({NAME}, *)", "any standby"),
        (f"FIRST 2 ({NAME})", "more standbys than it names"),
        # Two that are connected by one name are enough.
        (f"FIRST 3 ({NAME}, a, A)", "a name twice"),
    ],
)
def test_a_standby_without_which_commits_go_on(text, why):
    assert why in never_without(text, NAME)


# --- adding -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("there", "desired"),
    [
        ("", OURS),
        ("a", 'FIRST 2 ("barman_receive_wal", a)'),
        ("FIRST 1 (a)", 'FIRST 2 ("barman_receive_wal", a)'),
        ("2 (a, b)", 'FIRST 3 ("barman_receive_wal", a, b)'),
        ('ANY 2 ("s-1", b)', 'ANY 3 ("barman_receive_wal", "s-1", b)'),
        ('"FIRST"', 'FIRST 2 ("barman_receive_wal", "FIRST")'),
    ],
)
def test_adding(there, desired):
    for altered, beneath in ((there, ""), (None, there), (there, "x")):
        assert change(altered, beneath, [NAME]) == Change(desired, there, (NAME,), ())


def test_adding_two():
    assert change("a", "", [NAME, "barman_2"]).value == 'FIRST 3 ("barman_receive_wal", "barman_2", a)'
    found = change('FIRST 2 ("barman_receive_wal", a)', "", [NAME, "barman_2"])
    assert found.value == 'FIRST 3 ("barman_2", "barman_receive_wal", a)'
    assert found.added == ("barman_2",)


@pytest.mark.parametrize("there", [NAME, OURS, f"FIRST 2 (a, {NAME})", f"ANY 2 (a, {NAME})"])
def test_what_is_there_already(there):
    assert not change(there, "", [NAME]).changes
    assert not change(None, there, [NAME]).changes


@pytest.mark.parametrize(
    ("there", "everyone"),
    [
        ("a, b", "FIRST 3 (barman_receive_wal, a, b)"),
        ("FIRST 1 (a, b)", "FIRST 3 (barman_receive_wal, a, b)"),
        ("FIRST 2 (a, b, c)", "FIRST 4 (barman_receive_wal, a, b, c)"),
        ("ANY 1 (a, b)", "FIRST 3 (barman_receive_wal, a, b)"),
        ('ANY 2 (a, b, "s-3")', 'FIRST 4 (barman_receive_wal, a, b, "s-3")'),
        ("*", "FIRST 2 (barman_receive_wal, NAME)"),
        ("2 (a, *)", "FIRST 3 (barman_receive_wal, a, NAME)"),
        (f"{NAME}, a", "FIRST 2 (barman_receive_wal, a)"),
        (f"FIRST 2 ({NAME}, a, b)", "FIRST 3 (barman_receive_wal, a, b)"),
        ('FIRST 1 ("barman_receive_wal", a)', "FIRST 2 (barman_receive_wal, a)"),
        ("FIRST 3 (a)", "FIRST 2 (barman_receive_wal, a)"),
    ],
)
def test_somebodys_quorum_is_not_touched(there, everyone):
    with pytest.raises(StandbyNamesError) as caught:
        change(there, "", [NAME])
    message = str(caught.value)
    assert message.startswith(f"synchronous_standby_names is '{there}': ")
    assert f"'{everyone}' to wait for all of them, or 'FIRST 1 (barman_receive_wal)' to wait for Barman only" in message
    # What it says to write is taken then.
    if "NAME" not in everyone:
        assert not change(everyone, "", [NAME]).changes


def test_a_name_that_only_postgresql_takes_for_ours():
    with pytest.raises(StandbyNamesError, match="Write it as barman_receive_wal"):
        change("Barman_Receive_WAL", "", [NAME])


# --- taking away ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("altered", "beneath", "value"),
    [
        (OURS, "", None),
        ('FIRST 2 ("barman_receive_wal", a)', "", "FIRST 1 (a)"),
        # Nothing of ALTER SYSTEM is left where that says the same.
        ('FIRST 2 ("barman_receive_wal", a)', "a", None),
        ('FIRST 2 ("barman_receive_wal", a)', "FIRST 1 (a)", None),
        ('FIRST 2 ("barman_receive_wal", a)', "b", "FIRST 1 (a)"),
        ('ANY 3 ("barman_receive_wal", a, "s-2")', "", 'ANY 2 (a, "s-2")'),
        # Edited by hand since.
        ('FIRST 1 ("barman_receive_wal", a)', "", "FIRST 1 (a)"),
        ('FIRST 2 ("barman_receive_wal", a, b)', "", "FIRST 1 (a, b)"),
        (OURS, "a", ""),
    ],
)
def test_taking_away(altered, beneath, value):
    assert change(altered, beneath, []) == Change(value, altered, (), (NAME,))


@pytest.mark.parametrize(
    ("altered", "beneath"),
    [
        ("", ""),
        (None, ""),
        # Written by somebody else.
        (NAME, ""),
        (f"FIRST 2 ({NAME}, a)", ""),
        ('ANY 1 ("s1", "s2")', ""),
        ('"barman-eu"', ""),
        # In postgresql.conf, where ALTER SYSTEM takes nothing away.
        (None, OURS),
        (OURS, '"barman_receive_wal"'),
    ],
)
def test_what_others_wrote_stays(altered, beneath):
    assert not change(altered, beneath, []).changes


def test_a_receiver_that_is_called_otherwise_now():
    """The old name would never be heard of again, and commits would wait for it for ever."""
    found = change(OURS, "", ["barman_2"])
    assert found == Change('FIRST 1 ("barman_2")', OURS, ("barman_2",), (NAME,))


def test_only_some_of_them():
    both = 'FIRST 3 ("barman_2", "barman_receive_wal", a)'
    assert change(both, "", [], ["barman_2"]).value == 'FIRST 2 ("barman_receive_wal", a)'
    assert not change(both, "", [], ["barman_3"]).changes


@given(method=st.sampled_from(["FIRST", "ANY"]), standbys=st.lists(names, min_size=1, max_size=4, unique_by=str.lower))
def test_there_and_back(method, standbys):
    """What was added is taken away again, and no more."""
    if any("*" in name or name.strip('"').lower().startswith("barman") for name in standbys):
        return
    text = f"{method} {len(standbys)} ({', '.join(standbys)})"
    there = parse(text)
    if there.not_all:
        return
    added = change(text, "", [NAME])
    assert never_without(str(added.value), NAME) == ""
    for name in there.names:
        assert never_without(str(added.value), name) == ""
    back = change(added.value, "", [])
    assert parse(str(back.value)).same_as(there)
