# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.filter.pgpass_line import pgpass_line
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.password_file import (
    BEGIN,
    END,
    PasswordConnection,
    PasswordFile,
    apply,
    parse,
    plan,
)

PG = "198.51.100.21:5432:postgres:barman:one"
PG2 = "198.51.100.22:5432:postgres:barman:two"
OWN = "*:*:*:somebody:own"


def block(*lines: str, rest: str = "") -> str:
    return "\n".join([BEGIN, *lines, END]) + "\n" + rest


def test_a_new_file_has_the_block() -> None:
    assert plan(None, [PG]).after == block(PG)


def test_nothing_is_made_of_nothing() -> None:
    planned = plan(None, [])
    assert (planned.after, planned.changed) == (None, False)


def test_the_block_is_at_the_top_and_other_lines_stay() -> None:
    assert plan(f"{OWN}\n", [PG]).after == block(PG, rest=f"{OWN}\n")


def test_a_block_further_down_is_replaced_there() -> None:
    assert plan(f"{OWN}\n{block(PG)}", [PG2]).after == f"{OWN}\n{block(PG2)}"


@pytest.mark.parametrize("text", [block(PG, rest=OWN), block(PG, rest=f"{OWN}\n"), block(PG)])
def test_what_is_as_desired_does_not_change(text: str) -> None:
    assert not plan(text, [PG]).changed


def test_without_lines_the_block_goes() -> None:
    assert plan(block(PG, rest=f"{OWN}\n"), []).after == f"{OWN}\n"


def test_a_line_of_a_connection_that_stays_is_not_removed() -> None:
    planned = plan(block(PG, PG2), [PG], [PasswordConnection("198.51.100.22", "5432", "barman")])
    assert not planned.changed
    assert [str(line) for line in planned.kept] == ["198.51.100.22:5432:postgres:barman"]


def test_a_desired_line_replaces_the_one_with_an_older_password() -> None:
    planned = plan(block(PG), [PG.replace("one", "new")], [PasswordConnection("198.51.100.21", "5432", "barman")])
    assert planned.after == block(PG.replace("one", "new"))
    assert planned.kept == ()


@pytest.mark.parametrize(
    "connection",
    [
        PasswordConnection("198.51.100.21", "5433", "barman"),
        PasswordConnection("198.51.100.21", "5432", "other"),
        PasswordConnection("other", "5432", "barman"),
    ],
)
def test_a_line_of_another_connection_goes(connection: PasswordConnection) -> None:
    assert plan(block(PG), [], [connection]).after is None


@pytest.mark.parametrize("text", [f"{BEGIN}\n{PG}\n", f"{PG}\n{END}\n", f"{END}\n{BEGIN}\n", block() + block()])
def test_half_a_block_is_refused(text: str) -> None:
    with pytest.raises(HostError, match="remove these lines"):
        plan(text, [PG])


@pytest.mark.parametrize("text", ["", "# a comment", "a:b:c", "a:b:c:d", "a:b:c:d\\"])
def test_what_libpq_would_not_read_is_no_line(text: str) -> None:
    assert parse(text) is None


def test_no_password_is_in_what_python_shows() -> None:
    planned = plan(block(PG), [PG2], [PasswordConnection("198.51.100.21", "5432", "barman")])
    assert "one" not in repr(planned)
    assert "two" not in repr(planned)


FIELD = st.text(st.characters(exclude_characters="\n\r\0", exclude_categories=["Cs"]), min_size=1)


@given(FIELD.filter(lambda host: not host.startswith("#") and host.strip()), FIELD, FIELD, st.lists(FIELD, max_size=3))
def test_every_line_that_the_filter_makes_is_read_and_stays(
    host: str, user: str, password: str, others: list[str]
) -> None:
    line = pgpass_line({"address": host, "port": 5432, "database": "*", "user": user}, password)
    read = parse(line)
    assert read is not None
    assert (read.host, read.port, read.database, read.user) == (host, "5432", "*", user)
    first = plan("".join(f"{other}\n" for other in others if other not in (BEGIN, END)), [line])
    assert not plan(first.after, [line]).changed
    assert not plan(first.after, [], [PasswordConnection(host, "5432", user)]).changed


def test_a_file_that_has_nothing_any_more_goes_and_one_of_others_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ".pgpass"
    for others, left in (("", None), ("other:*:*:u:p\n", "other:*:*:u:p\n")):
        path.write_text(block(PG) + others)
        path.chmod(0o600)
        file = PasswordFile(str(path), pwd.getpwuid(os.geteuid()).pw_name, path.read_text())
        apply(file, plan(file.text, []))
        assert (path.read_text() if path.exists() else None) == left
