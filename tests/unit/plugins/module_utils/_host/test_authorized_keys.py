# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which lines of SSH trust are revoked, and which are only reported."""

from __future__ import annotations

import os
import pwd
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._host import authorized_keys, ssh_file
from ansible_collections.pgdr.barman.plugins.module_utils._host.authorized_keys import (
    Authorization,
    desired_authorizations,
    parse,
    plan,
    users_with_lines,
    with_lines,
)
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.modules import authorized_keys as module
from tests.unit.plugins.modules.running import run_main

DECLARED = ("pg", "backup", "gone-to-be")


def line(host: str, key: str = "AAAA1", purpose: str = "archiving", user: str = "postgres", run: str = "") -> str:
    command = ',command="barman put-wal pg"' if purpose == "archiving" else ""
    return f'restrict,from="198.51.100.21/32"{command} ssh-ed25519 {key} pgdr.barman:{purpose}:{user}@{host}{run}\n'


DESIRED = [Authorization("AAAA1", "archiving", "postgres", "pg")]


def test_a_line_of_the_role() -> None:
    assert parse(line("pg")) == Authorization("AAAA1", "archiving", "postgres", "pg")
    assert parse(line("pg", purpose="recovery", user="barman", run=":20261120T083000Z-f3a9c1")) is None
    assert parse("ssh-ed25519 AAAA1 pgdr.barman:archiving:postgres@pg") is None
    assert parse("# restrict ssh-ed25519 AAAA1 pgdr.barman:archiving:postgres@pg") is None


@pytest.mark.parametrize(
    ("text", "after"),
    [
        (line("pg"), line("pg")),
        # The host has another key now.
        (line("pg", key="AAAA0") + line("pg"), line("pg")),
        # Nobody asks for it.
        (line("pg", purpose="backup", user="barman"), ""),
        (line("gone-to-be"), ""),
        ("ssh-rsa AAAA me@home\n\n# mine\n", "ssh-rsa AAAA me@home\n\n# mine\n"),
        ("ssh-rsa AAAA me@home\n" + line("gone-to-be").rstrip("\n"), "ssh-rsa AAAA me@home\n"),
        ("", ""),
    ],
)
def test_what_nobody_asks_for_is_removed(text: str, after: str) -> None:
    planned = plan(text, DESIRED, DECLARED, DECLARED)
    assert planned.after == after
    assert planned.changed == (text != after)
    assert planned.unknown == ()


def test_a_key_that_is_not_known_in_this_run_stays() -> None:
    desired = [Authorization("", "archiving", "postgres", "pg")]
    assert not plan(line("pg", key="any"), desired, DECLARED, DECLARED).changed


def test_a_host_that_is_not_revocable_keeps_its_line_and_is_not_reported() -> None:
    planned = plan(line("backup"), [], ("pg",), DECLARED)
    assert (planned.changed, planned.unknown) == (False, ())


def test_a_recovery_keeps_its_line_whoever_else_lets_the_same_key_in() -> None:
    """The key is Barman's: a lasting connection of another server on the machine, and a recovery that copies now."""
    recovery = line("backup", purpose="recovery", user="barman", run=":20261120T083000Z-f3a9c1")
    lasting = line("backup", purpose="backup", user="barman").rstrip()
    mine = "ssh-ed25519 AAAA1 me@home\n"
    after = with_lines(mine + recovery, [lasting])
    assert after == mine + recovery + lasting + "\n"
    assert with_lines(after, [lasting]) == after
    moved = lasting.replace("198.51.100.21/32", "198.51.100.22/32")
    assert with_lines(after, [moved]) == mine + recovery + moved + "\n"
    assert with_lines(after, []) == after
    with pytest.raises(HostError, match="is not a line of the role"):
        with_lines("", [recovery.rstrip()])


HOSTS = st.sampled_from(["pg", "backup", "hidden", "lost-1"])
LINES = st.builds(
    line, HOSTS, st.sampled_from(["AAAA0", "AAAA1"]), st.sampled_from(["archiving", "passive", "recovery"])
)


@given(st.lists(LINES), st.sets(HOSTS), st.sets(HOSTS))
def test_no_line_of_an_undeclared_host_is_ever_removed(
    lines: list[str], revocable: set[str], declared: set[str]
) -> None:
    def undeclared(text: str) -> list[str]:
        found = [one for one in text.splitlines() if (known := parse(one)) is not None and known.host not in declared]
        return [one for one in found if ":recovery:" not in one]

    before = "".join(lines)
    planned = plan(before, DESIRED, revocable, declared)
    assert undeclared(planned.after) == undeclared(before)
    assert [one.host for one in planned.unknown] == [one.rpartition("@")[2] for one in undeclared(before)]
    assert all(one.host in revocable for one in planned.removed)
    recoveries = [one for one in before.splitlines() if ":recovery:" in one]
    assert [one for one in planned.after.splitlines() if ":recovery:" in one] == recoveries


def test_desired_lines() -> None:
    found = desired_authorizations(["postgres - backup:barman@backup-eu", "barman AAAA1 archiving:postgres@pg"])
    assert found == {"postgres": [Authorization("", "backup", "barman", "backup-eu")], "barman": DESIRED}
    with pytest.raises(HostError, match="'postgres backup' is not of the form"):
        desired_authorizations(["postgres backup"])


def test_the_module(tmp_path: Path, monkeypatch: Any, capsys: Any) -> None:
    me = pwd.getpwuid(os.geteuid())
    account = SimpleNamespace(pw_dir=str(tmp_path), pw_uid=me.pw_uid, pw_gid=me.pw_gid)
    monkeypatch.setattr(ssh_file, "lookup_user", lambda user: account)
    arguments = {
        "users": ["postgres"],
        "desired": ["postgres AAAA1 archiving:postgres@pg"],
        "revocable_hosts": ["pg", "gone-to-be"],
        "declared_hosts": list(DECLARED),
    }
    assert not run_main(module.main, capsys, **arguments)["changed"]
    path = tmp_path / ".ssh" / "authorized_keys"
    path.parent.mkdir(mode=0o700)
    path.write_text(line("pg") + line("gone-to-be") + line("hidden"))
    path.chmod(0o640)
    added = run_main(module.main, capsys, users=["postgres"], lines=[line("pg").rstrip()])
    assert (added["changed"], path.read_text()) == (False, line("pg") + line("gone-to-be") + line("hidden"))
    would = run_main(module.main, capsys, _ansible_check_mode=True, **arguments)
    assert (would["changed"], would["removed"]) == (True, ["postgres: archiving:postgres@gone-to-be"])
    assert "gone-to-be" in path.read_text()
    answer = run_main(module.main, capsys, **arguments)
    assert answer["unknown"] == ["postgres: archiving:postgres@hidden"]
    assert path.read_text() == line("pg") + line("hidden")
    assert path.stat().st_mode & 0o777 == 0o640
    again = run_main(module.main, capsys, **arguments)
    assert (again["changed"], again["removed"], again["unknown"]) == (
        False,
        [],
        ["postgres: archiving:postgres@hidden"],
    )
    path.unlink()
    path.parent.rmdir()
    monkeypatch.setattr(authorized_keys, "ids_of", lambda user: None)
    assert run_main(module.main, capsys, users=["postgres"], lines=[line("pg").rstrip()])["changed"]
    assert (path.read_text(), path.stat().st_mode & 0o777) == (line("pg"), 0o600)
    (tmp_path / "elsewhere").write_text(line("gone-to-be"))
    path.unlink()
    path.symlink_to(tmp_path / "elsewhere")
    if os.geteuid() == 0:
        os.chmod(tmp_path / ".ssh", 0o777)
        refused = run_main(module.main, capsys, **arguments)
        assert refused["failed"]
        assert "symbolic link" in refused["msg"]
    assert (tmp_path / "elsewhere").read_text() == line("gone-to-be") or os.geteuid() != 0


def test_users_with_lines_are_those_whose_file_has_one_or_can_not_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = 'restrict,from="198.51.100.11" ssh-ed25519 AAAA pgdr.barman:backup:barman@backup\n'
    texts = {"ours": ours, "others": "ssh-ed25519 BBBB somebody@elsewhere\n", "nothing": ""}

    def observe(user: str) -> Any:
        if user not in texts:
            raise HostError("a link is in its place")
        return SimpleNamespace(text=texts[user])

    monkeypatch.setattr(authorized_keys, "observe", observe)
    monkeypatch.setattr(authorized_keys, "missing_users", lambda names: [name for name in names if name == "gone"])
    assert users_with_lines(["ours", "others", "nothing", "gone", "linked"]) == ["ours", "linked"]
