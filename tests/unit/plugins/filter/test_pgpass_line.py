# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.filter.pgpass_line import FilterModule, pgpass_line

ENTRY = {"host": "pg", "address": "198.51.100.21", "port": 5432, "database": "*", "user": "barman"}


def test_a_line():
    assert pgpass_line(ENTRY, "secret") == "198.51.100.21:5432:*:barman:secret"


def test_colons_and_backslashes_are_escaped():
    line = pgpass_line({**ENTRY, "address": "2001:db8::21"}, r"a:b\c 100% 'q' ")
    assert line == r"2001\:db8\:\:21:5432:*:barman:a\:b\\c 100% 'q' "


def read_back(line):
    """The fields as libpq reads them."""
    fields: list[str] = []
    field, escaped = "", False
    for mark in line:
        if escaped or mark not in "\\:":
            field, escaped = field + mark, False
        elif mark == "\\":
            escaped = True
        else:
            fields, field = [*fields, field], ""
    return [*fields, field]


@given(st.text(alphabet=st.characters(exclude_characters="\n\r\0"), min_size=1))
def test_every_password_is_read_back(password):
    assert read_back(pgpass_line(ENTRY, password)) == ["198.51.100.21", "5432", "*", "barman", password]


@pytest.mark.parametrize(
    ("entry", "password", "message"),
    [
        (ENTRY, "a\nb", "line break"),
        (ENTRY, "", "not a text, or empty"),
        (ENTRY, None, "not a text, or empty"),
        (ENTRY, 5, "not a text, or empty"),
        ("pg", "x", "needs a dictionary"),
        ({"address": "a"}, "x", "has no port, database, user"),
    ],
)
def test_what_no_line_can_hold(entry, password, message):
    with pytest.raises(AnsibleFilterError, match=message):
        pgpass_line(entry, password)


def test_an_error_does_not_repeat_the_password():
    with pytest.raises(AnsibleFilterError) as error:
        pgpass_line(ENTRY, "hidden\n")
    assert "hidden" not in str(error.value)


def test_the_filter_has_its_name():
    assert FilterModule().filters() == {"pgpass_line": pgpass_line}
