# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Values in the text form of their type."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.plugin_utils._topology.text_forms import (
    TextError,
    is_absent,
    to_bool,
    to_dict,
    to_int,
    to_list,
    to_str,
)


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("pg-eu", ["pg-eu"]),
        ("pg-eu,pg-us", ["pg-eu", "pg-us"]),
        ("pg-eu\npg-us\n", ["pg-eu", "pg-us"]),
        ("pg-eu\r\npg-us", ["pg-eu", "pg-us"]),
        (" pg-eu , \n pg-us ,", ["pg-eu", "pg-us"]),
        ('["pg-eu", "pg-us"]', ["pg-eu", "pg-us"]),
        ("[pg-eu, pg-us]", ["pg-eu", "pg-us"]),
        ("['pg-eu', 'pg-us']", ["pg-eu", "pg-us"]),
        ("'pg eu', \"pg-us\"", ["pg eu", "pg-us"]),
        ("[]", []),
        ('[{"query": "SELECT 1, 2"}]', [{"query": "SELECT 1, 2"}]),
        ('{"query": "SELECT 1"}', [{"query": "SELECT 1"}]),
        (",", []),
    ],
)
def test_a_list(text: str, items: list[Any]) -> None:
    assert to_list(text) == items


@pytest.mark.parametrize("function", [to_list, to_dict])
@pytest.mark.parametrize("text", ['{"a": 1', '{"a": nothing}', "{'a': 1}"])
def test_json_that_is_none_is_an_error(function: Any, text: str) -> None:
    with pytest.raises(TextError, match="begins like JSON and is not valid JSON") as error:
        function(text)
    assert "double quotes" in error.value.instead


@pytest.mark.parametrize(
    ("text", "pairs"),
    [
        ("ts=/srv/new", {"ts": "/srv/new"}),
        ("ts=/srv/new, other = /srv/b=c", {"ts": "/srv/new", "other": "/srv/b=c"}),
        ("ts=/srv/new\nother=/srv/b\n", {"ts": "/srv/new", "other": "/srv/b"}),
        ('{"ts": "/srv/new"}', {"ts": "/srv/new"}),
    ],
)
def test_a_dictionary(text: str, pairs: dict[str, Any]) -> None:
    assert to_dict(text) == pairs


@pytest.mark.parametrize(
    ("function", "value", "message"),
    [
        (to_dict, "ts", "has 'ts', which is not a name=value pair"),
        (to_dict, "a=1,a=2", "has a twice"),
        (to_dict, ["a"], "is a list and no dictionary"),
        (to_list, 5, "is the number 5 and no list"),
        (to_list, {"a": 1}, "is a dictionary and no list"),
        (to_bool, "perhaps", "is the text 'perhaps' and neither true nor false"),
        (to_bool, 2, "is the number 2 and neither true nor false"),
        (to_int, "5432x", "is the text '5432x' and no whole number"),
        (to_int, True, "is true and no whole number"),
        (to_int, 1.5, "is the number 1.5 and no whole number"),
        (to_str, ["pg-eu"], "is a list and no text"),
        (to_str, False, "is false and no text"),
    ],
)
def test_what_is_neither_the_type_nor_its_text(function: Any, value: Any, message: str) -> None:
    with pytest.raises(TextError) as error:
        function(value)
    assert error.value.message == message
    assert error.value.instead


@given(st.booleans(), st.sampled_from([str, str.upper, lambda text: text.title() + " "]))
def test_a_boolean_is_its_text(value: bool, form: Any) -> None:
    assert to_bool(form(str(value).lower())) is to_bool(value) is value


@given(st.integers())
def test_a_number_is_its_text(value: int) -> None:
    assert to_int(str(value)) == to_int(value) == value


_NAMES = st.lists(st.from_regex(r"\A[a-z][a-z0-9-]{0,8}\Z"))


@given(_NAMES)
def test_a_list_is_each_of_its_texts(names: list[str]) -> None:
    assert to_list(json.dumps(names)) == to_list(names) == names
    assert to_list(",".join(names)) == to_list("\n".join(names)) == to_list(f"[{', '.join(names)}]") == names


@given(
    st.text() | st.none() | st.integers() | st.booleans() | st.lists(st.text()) | st.dictionaries(st.text(), st.text())
)
def test_nothing_ends_with_another_error(value: Any) -> None:
    for function in (to_bool, to_int, to_str, to_list, to_dict):
        with contextlib.suppress(TextError):
            function(value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-20 08:15:00.25+00", "2026-11-20 08:15:00.250000+00:00"),
        ("2026-11-20T08:15:00+02:00", "2026-11-20 08:15:00+02:00"),
        ("2026-11-20 08:15:00", "2026-11-20 08:15:00"),
        ("2026-11-20", "2026-11-20"),
    ],
)
def test_a_time_without_quotes_is_its_text(text: str, expected: str) -> None:
    """YAML reads a time. Its time zone stays, and a missing one stays missing."""
    value = yaml.safe_load(text)
    assert not isinstance(value, str)
    assert to_str(value) == expected


@pytest.mark.parametrize("value", [None, "", "  ", "\n"])
def test_an_empty_answer_is_absent(value: Any) -> None:
    assert is_absent(value)


@pytest.mark.parametrize("value", [0, False, [], {}, "0"])
def test_an_answer_that_means_nothing_is_an_answer(value: Any) -> None:
    assert not is_absent(value)
