# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import configparser
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.pgdr.barman.plugins.module_utils._barman import masking
from ansible_collections.pgdr.barman.plugins.module_utils._server.entries import (
    HEADER,
    ConfigurationFile,
    ConfigurationPlan,
    CurrentConfiguration,
    DesiredConfiguration,
    DesiredEntry,
    needs_version,
    render_entry,
)
from ansible_collections.pgdr.barman.plugins.module_utils._server.ini_text import set_options
from ansible_collections.pgdr.barman.plugins.module_utils._server.plan import option_problems, option_warnings, plan
from ansible_collections.pgdr.barman.plugins.module_utils._server.report import diff, masked_options

MAIN = "[barman]\nbarman_home = /var/lib/barman\nconfiguration_files_directory = /d\n"
OLD, NEW = (3, 9, 0), (3, 10, 0)


def host(
    files: Mapping[str, str | ConfigurationFile] | None = None, main: str | None = MAIN, **automatic: list[str]
) -> CurrentConfiguration:
    found = {
        f"/d/{name}.conf": file if isinstance(file, ConfigurationFile) else ConfigurationFile(file)
        for name, file in (files or {}).items()
    }
    return CurrentConfiguration("/etc/barman.conf", "/d", main, found, automatic)


def ours(name: str, **options: Any) -> str:
    return render_entry(DesiredEntry(name, options))


def after(planned: ConfigurationPlan) -> dict[str, str | None]:
    assert planned.problems == []
    return {change.path: change.after for change in planned.changes}


def barman_reads(text: str, version: tuple[int, ...]) -> dict[str, dict[str, str]]:
    """The sections as Barman's parsers of that version get them from a file."""
    parser = configparser.ConfigParser()
    parser.read_string(text)
    if version >= (3, 10):
        copy = configparser.ConfigParser()
        for section in parser.sections():
            copy.add_section(section)
            for option, value in parser[section].items():
                copy.set(section, option, value)
        parser = copy
    return {section: dict(parser[section]) for section in parser.sections()}


class TestRender:
    def test_types(self) -> None:
        options = {
            "archiver": True,
            "active": False,
            "parallel_jobs": 4,
            "snapshot_disks": ["a", "b"],
            "description": None,
        }
        text = render_entry(DesiredEntry("pg", options))
        assert text == HEADER + "\n[pg]\nactive = off\narchiver = on\nparallel_jobs = 4\nsnapshot_disks = a,b\n"

    @given(
        value=st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1),
        version=st.sampled_from([OLD, NEW]),
    )
    def test_barman_reads_the_text_that_was_meant(self, value: str, version: tuple[int, ...]) -> None:
        text = render_entry(DesiredEntry("pg", {"description": value}), version)
        read = barman_reads(text, version)["pg"]["description"]
        quoted = len(read) > 1 and read[0] == read[-1] == '"'
        assert (read[1:-1] if quoted else read) == value

    def test_percent_depends_on_the_version(self) -> None:
        entry = DesiredEntry("pg", {"conninfo": "password=a%b"})
        assert "password=a%%b\n" in render_entry(entry, OLD)
        assert "password=a%%%%b\n" in render_entry(entry, NEW)
        assert needs_version(DesiredConfiguration([entry]))
        assert not needs_version(DesiredConfiguration([DesiredEntry("pg", {"conninfo": "host=a"})]))


class TestPlan:
    def test_new_entry(self) -> None:
        planned = plan(host(), DesiredConfiguration([DesiredEntry("pg", {"description": "x"})]))
        assert after(planned) == {"/d/pg.conf": ours("pg", description="x")}
        assert planned.changed

    def test_nothing_to_do(self) -> None:
        planned = plan(
            host({"pg": ours("pg", description="x")}), DesiredConfiguration([DesiredEntry("pg", {"description": "x"})])
        )
        assert (planned.changed, planned.problems, planned.warnings) == (False, [], [])

    def test_what_was_changed_by_hand_is_put_right(self) -> None:
        current = host({"pg": ours("pg", description="x").replace("x", "y")})
        assert after(plan(current, DesiredConfiguration([DesiredEntry("pg", {"description": "x"})]))) == {
            "/d/pg.conf": ours("pg", description="x")
        }

    def test_a_broken_file_of_ours_is_put_right(self) -> None:
        current = host({"pg": HEADER + "nonsense"})
        assert after(plan(current, DesiredConfiguration([DesiredEntry("pg")]))) == {"/d/pg.conf": ours("pg")}

    def test_owner_and_mode_are_put_right(self) -> None:
        current = host({"pg": ConfigurationFile(ours("pg"), right=False)})
        planned = plan(current, DesiredConfiguration([DesiredEntry("pg")]))
        assert after(planned) == {"/d/pg.conf": ours("pg")}
        assert diff(planned.changes)[0]["before"].endswith("# owner or mode differs\n")

    def test_absent(self) -> None:
        planned = plan(host({"pg": ours("pg")}), DesiredConfiguration([DesiredEntry("pg", present=False)]))
        assert after(planned) == {"/d/pg.conf": None}
        assert planned.removed == ["pg"]

    def test_absent_already(self) -> None:
        planned = plan(host(), DesiredConfiguration([DesiredEntry("pg", present=False)]))
        assert (planned.changed, planned.removed, planned.problems) == (False, [], [])

    def test_prune_takes_ours_alone(self) -> None:
        current = host({"a": ours("a"), "b": ours("b"), "hand": "[hand]\n"})
        planned = plan(current, DesiredConfiguration([DesiredEntry("a")], prune=True))
        assert after(planned) == {"/d/b.conf": None}
        assert planned.removed == ["b"]

    def test_without_prune_others_stay(self) -> None:
        assert not plan(host({"b": ours("b")}), DesiredConfiguration([])).changed

    def test_a_hundred_in_one_pass(self) -> None:
        entries = [DesiredEntry(f"pg{number}", {"description": str(number)}) for number in range(100)]
        planned = plan(host(), DesiredConfiguration(entries))
        assert len(after(planned)) == 100
        current = host({change.path[3:-5]: change.after or "" for change in planned.changes})
        assert not plan(current, DesiredConfiguration(entries)).changed

    def test_every_problem_at_once(self) -> None:
        desired = DesiredConfiguration(
            [
                DesiredEntry("all"),
                DesiredEntry("a b"),
                DesiredEntry("pg"),
                DesiredEntry("pg"),
                DesiredEntry("x", {"description": "a\nb"}),
            ]
        )
        problems = " | ".join(plan(host({"hand": "[pg]\n"}), desired).problems)
        assert "server 'all': this can't be a server's name" in problems
        assert "server 'a b': this can't be" in problems
        assert "server 'pg': it is listed twice" in problems
        assert "server 'x': description: Barman's configuration can't contain a line break" in problems
        assert "server 'pg' is in /d/hand.conf, which this module did not create" in problems

    @pytest.mark.parametrize("name", ["", ".pg", "-pg", "a/b", "a]", "a%b", "barman", "DEFAULT", "#pg", "False"])
    def test_names_that_no_server_can_have(self, name: str) -> None:
        assert plan(host(), DesiredConfiguration([DesiredEntry(name)])).problems

    @pytest.mark.parametrize("name", ["pg", "pg-eu.example.com", "PG_17", "größe", "10.0.0.1"])
    def test_names(self, name: str) -> None:
        assert plan(host(), DesiredConfiguration([DesiredEntry(name)])).problems == []

    @pytest.mark.parametrize(
        ("conninfo", "good"),
        [("host=a dbname=b", True), ("host=a password='b c'", False), ("postgresql://a/b", False), ("host = a", False)],
    )
    def test_connection_strings_that_barman_does_not_understand(self, conninfo: str, good: bool) -> None:
        problems = plan(host(), DesiredConfiguration([DesiredEntry("pg", {"conninfo": conninfo})])).problems
        assert bool(problems) is not good
        assert all("b c" not in problem for problem in problems)

    def test_no_barman(self) -> None:
        assert (
            "/etc/barman.conf does not exist: install Barman"
            in plan(host(main=None), DesiredConfiguration([])).problems[0]
        )

    def test_a_directory_that_barman_does_not_read(self) -> None:
        current = host(main="[barman]\nconfiguration_files_directory = /other\n")
        assert "Barman does not read /d: configuration_files_directory in /etc/barman.conf is /other" in str(
            plan(current, DesiredConfiguration([DesiredEntry("pg")])).problems
        )

    def test_a_broken_foreign_file_is_named(self) -> None:
        problems = plan(host({"hand": "password=secret\n"}), DesiredConfiguration([])).problems
        assert problems[0].startswith("/d/hand.conf can't be read: File contains no section headers")
        assert "secret" not in problems[0]

    def test_an_option_that_barman_overrides_is_reported(self) -> None:
        current = host(pg=["description", "compression"])
        planned = plan(current, DesiredConfiguration([DesiredEntry("pg", {"description": "x", "archiver": True})]))
        assert len(planned.warnings) == 1
        assert "server 'pg': option 'description' has no effect, because .barman.auto.conf" in planned.warnings[0]


class TestAdopt:
    ENTRY = DesiredConfiguration([DesiredEntry("pg", {"description": "x"})], adopt=True)

    def test_a_file_of_the_same_name(self) -> None:
        planned = plan(host({"pg": "[pg]\nold = 1\n"}), self.ENTRY)
        assert after(planned) == {"/d/pg.conf": ours("pg", description="x")}
        assert planned.changes[0].backup

    def test_a_file_of_another_name_goes_away(self) -> None:
        planned = plan(host({"hand": "# note\n[pg]\nold = 1\n"}), self.ENTRY)
        assert after(planned) == {"/d/hand.conf": None, "/d/pg.conf": ours("pg", description="x")}
        assert [change.backup for change in planned.changes] == [True, False]

    def test_other_servers_in_the_file_stay(self) -> None:
        planned = plan(host({"hand": "[a]\nx = 1\n\n[pg]\nold = 1\n\n[b]\ny = 2\n"}), self.ENTRY)
        assert after(planned)["/d/hand.conf"] == "[a]\nx = 1\n\n[b]\ny = 2\n"

    def test_several_from_one_file(self) -> None:
        current = host({"hand": "[a]\nx = 1\n[b]\ny = 2\n[c]\nz = 3\n"})
        planned = plan(current, DesiredConfiguration([DesiredEntry("a"), DesiredEntry("b")], adopt=True))
        assert after(planned)["/d/hand.conf"] == "[c]\nz = 3\n"

    def test_all_from_one_file(self) -> None:
        current = host({"hand": "[a]\nx = 1\n[b]\ny = 2\n"})
        assert (
            after(plan(current, DesiredConfiguration([DesiredEntry("a"), DesiredEntry("b")], adopt=True)))[
                "/d/hand.conf"
            ]
            is None
        )

    def test_from_the_main_file(self) -> None:
        planned = plan(host(main=MAIN + "[pg]\nold = 1\n"), self.ENTRY)
        assert after(planned)["/etc/barman.conf"] == MAIN
        assert planned.changes[0].backup

    def test_a_file_that_is_in_the_way(self) -> None:
        planned = plan(host({"pg": "[pg]\n[other]\nx = 1\n"}), self.ENTRY)
        assert planned.problems == [
            "server 'pg': /d/pg.conf contains other servers too and prevents this entry. Choose another name for the "
            "server"
        ]

    def test_absent_takes_it_away(self) -> None:
        planned = plan(host({"hand": "[pg]\n"}), DesiredConfiguration([DesiredEntry("pg", present=False)], adopt=True))
        assert after(planned) == {"/d/hand.conf": None}
        assert planned.removed == ["pg"]

    def test_without_it_absent_is_refused_too(self) -> None:
        assert plan(host({"hand": "[pg]\n"}), DesiredConfiguration([DesiredEntry("pg", present=False)])).problems


class TestGlobalOptions:
    TEXT = "; head\n[barman]\n; a comment\nbarman_home = /var/lib/barman\nlog_file=/x\n  /y\ncompression: gzip\n\n[pg]\ncompression = off\n"

    def planned(self, main: str | None, **options: Any) -> str:
        return after(plan(host(main=main), DesiredConfiguration(global_options=options)))["/etc/barman.conf"] or ""

    def test_others_and_comments_stay(self) -> None:
        text = set_options(self.TEXT, "barman", {"compression": "bzip2", "reuse_backup": "link"})
        assert text == (
            "; head\n[barman]\n; a comment\nbarman_home = /var/lib/barman\nlog_file=/x\n  /y\ncompression = bzip2\n"
            "reuse_backup = link\n\n[pg]\ncompression = off\n"
        )

    def test_an_option_with_several_lines(self) -> None:
        text = set_options(self.TEXT, "barman", {"log_file": "/z"})
        assert "barman_home = /var/lib/barman\nlog_file = /z\ncompression: gzip\n" in text

    def test_what_is_right_stays_as_it_is_written(self) -> None:
        options = {"compression": "gzip", "barman_home": "/var/lib/barman"}
        assert set_options(self.TEXT, "barman", options) == self.TEXT

    def test_none_takes_it_out(self) -> None:
        assert "gzip" not in set_options(self.TEXT, "barman", {"compression": None, "missing": None})

    def test_one_that_stands_twice(self) -> None:
        text = set_options("[barman]\na = 1\nb = 2\na = 3\n", "barman", {"a": "4"})
        assert text == "[barman]\na = 4\nb = 2\n"

    def test_no_section_yet(self) -> None:
        assert set_options("", "barman", {"a": "1"}) == "[barman]\na = 1\n"
        assert set_options("# x\n", "barman", {"a": "1"}) == "# x\n\n[barman]\na = 1\n"

    def test_the_directory_is_set_with_them(self) -> None:
        text = self.planned("[barman]\nbarman_home = /b\n", compression="gzip")
        assert text == "[barman]\nbarman_home = /b\ncompression = gzip\nconfiguration_files_directory = /d\n"

    def test_the_file_is_made(self) -> None:
        assert self.planned(None, barman_home="/b").startswith("[barman]\nbarman_home = /b\n")

    def test_nothing_to_do(self) -> None:
        assert not plan(host(), DesiredConfiguration(global_options={"barman_home": "/var/lib/barman"})).changed

    @given(
        before=st.dictionaries(st.sampled_from("abcd"), st.sampled_from("123"), max_size=4),
        desired=st.dictionaries(st.sampled_from("abcd"), st.none() | st.sampled_from("123"), max_size=4),
    )
    def test_what_is_set_is_read(self, before: dict[str, str], desired: dict[str, str | None]) -> None:
        text = "[other]\na = 9\n[barman]\n" + "".join(f"{key} = {value}\n" for key, value in before.items())
        done = set_options(text, "barman", desired)
        expected = {**before, **desired}
        assert barman_reads(done, OLD) == {
            "other": {"a": "9"},
            "barman": {key: value for key, value in expected.items() if value is not None},
        }
        assert set_options(done, "barman", desired) == done


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        [
            "conninfo = host=a password=secret user=b",
            "conninfo = host=a password = secret",
            "conninfo = password='secret' host=a",
            "conninfo = password='it\\'s secret' host=a",
            "conninfo = password='not closed secret",
            "conninfo = sslpassword=secret",
            "conninfo = PASSWORD=secret",
            "conninfo = postgresql://me:secret@host/db",
            "conninfo = postgresql://me:sec@secret@host/db",
            "encryption_passphrase_command = echo secret",
            "aws_sse_customer_key = secret",
        ],
    )
    def test_are_masked(self, text: str) -> None:
        masked = masking.mask(f"[pg]\n{text}\narchiver = on\n")
        assert "secret" not in masked
        assert "********" in masked
        assert masked.endswith("\narchiver = on\n")

    def test_the_rest_is_shown(self) -> None:
        assert masking.mask("password=x user=b") == "password=******** user=b"
        assert masking.mask("ssh_command = ssh -p 22 a@b") == "ssh_command = ssh -p 22 a@b"

    def test_in_messages_nothing_after_it_is_shown(self) -> None:
        message = "invalid interpolation syntax in \"host=a password='it\\\\'s secret %'\" at position 3"
        assert "secret" not in masking.mask_message(message)

    def test_diff(self) -> None:
        planned = plan(host(), DesiredConfiguration([DesiredEntry("pg", {"conninfo": "password=secret"})]))
        shown = diff(planned.changes)
        assert shown[0]["before_header"] == "/d/pg.conf (absent)"
        assert shown[0]["before"] == ""
        assert "secret" not in str(shown)

    def test_a_new_password_is_reported(self) -> None:
        current = host({"pg": ours("pg", conninfo="password=old")})
        shown = diff(plan(current, DesiredConfiguration([DesiredEntry("pg", {"conninfo": "password=new"})])).changes)
        assert shown[0]["after"].endswith("# a password differs (not shown)\n")
        assert "new" not in shown[0]["after"]

    def test_options_for_output(self) -> None:
        options = {"conninfo": "host=a password=x", "encryption_passphrase_command": "echo x", "parallel_jobs": 2}
        assert masked_options(options) == {
            "conninfo": "host=a password=********",
            "encryption_passphrase_command": "********",
            "parallel_jobs": 2,
        }


def test_the_inventory_host_stays_noted_where_none_is_given() -> None:
    noted = {"pg": render_entry(DesiredEntry("pg", {"active": True}, host="pg-1"))}
    assert after(plan(host(noted), DesiredConfiguration([DesiredEntry("pg", {"active": True})]))) == {}
    (text,) = after(plan(host(noted), DesiredConfiguration([DesiredEntry("pg", {"active": False})]))).values()
    assert "# For the inventory host pg-1.\n" in (text or "")
    (text,) = after(
        plan(host(noted), DesiredConfiguration([DesiredEntry("pg", {"active": True}, host="pg-2")]))
    ).values()
    assert "# For the inventory host pg-2.\n" in (text or "")


def test_options_are_compared_with_the_version() -> None:
    desired = DesiredConfiguration(
        [
            DesiredEntry("pg", {"sreaming_archiver": True, "staging_path": "/x"}),
            DesiredEntry("gone", {"wrong": 1}, present=False),
        ],
        {"conninfo": "host=a"},
    )
    problems = option_problems(desired, (3, 13, 3))
    assert len(problems) == 3
    assert problems[0].startswith("[barman]: conninfo")
    assert (
        "server 'pg': sreaming_archiver: is not an option that Barman knows; did you mean streaming_archiver?"
        in problems
    )
    assert any(problem.startswith("server 'pg': staging_path: is new in Barman 3.15") for problem in problems)
    assert option_problems(DesiredConfiguration([DesiredEntry("pg", {"staging_path": "/x"})]), (3, 19, 1)) == []


def test_deprecated_options_are_reported() -> None:
    desired = DesiredConfiguration([DesiredEntry("pg", {"recovery_staging_path": "/x"})])
    assert option_warnings(desired, (3, 13, 3)) == []
    assert "server 'pg': recovery_staging_path: is deprecated" in option_warnings(desired, (3, 19, 1))[0]


class TestMerge:
    """Options that are put into an entry that is there."""

    def test_the_others_stay_as_they_are(self) -> None:
        current = host({"pg": ours("pg", description="x", slot_name="barman")})
        planned = plan(
            current, DesiredConfiguration([DesiredEntry("pg", {"active": False, "slot_name": "b2"}, merge=True)])
        )
        assert after(planned) == {
            "/d/pg.conf": HEADER + "\n[pg]\ndescription = x\nslot_name = b2\nactive = off\n",
        }
        again = host({"pg": planned.changes[0].after or ""})
        assert not plan(again, DesiredConfiguration([DesiredEntry("pg", {"active": False}, merge=True)])).changed

    def test_where_there_is_none_of_ours_nothing_is_done(self) -> None:
        desired = DesiredConfiguration([DesiredEntry("pg", {"active": False}, merge=True)])
        for files in ({}, {"pg": "[pg]\n"}, {"pg": HEADER + "nonsense"}):
            planned = plan(host(files), desired)
            assert (planned.changed, planned.problems) == (False, [])

    def test_a_wrong_value_is_a_problem(self) -> None:
        planned = plan(
            host({"pg": ours("pg")}), DesiredConfiguration([DesiredEntry("pg", {"description": "a\nb"}, merge=True)])
        )
        assert len(planned.problems) == 1
        assert not planned.changed


class TestHandover:
    """The old way stays until the new one works."""

    STREAMED: Mapping[str, Any] = {
        "archiver": False,
        "streaming_archiver": True,
        "slot_name": "barman",
        "create_slot": "auto",
        "streaming_conninfo": "host=a password=x%y",
        "backup_method": "postgres",
    }
    ARCHIVED: Mapping[str, Any] = {"archiver": True, "streaming_archiver": False, "backup_method": "rsync"}

    def planned(self, now: Mapping[str, Any], new: Mapping[str, Any], *, handover: bool = True) -> ConfigurationPlan:
        return plan(host({"pg": ours("pg", **now)}), DesiredConfiguration([DesiredEntry("pg", new)], handover=handover))

    def test_streaming_stays_beside_archiving(self) -> None:
        planned = self.planned(self.STREAMED, self.ARCHIVED)
        assert planned.handing_over == {"pg": ["streaming"]}
        text = after(planned)["/d/pg.conf"] or ""
        assert barman_reads(text, NEW)["pg"] == {
            "archiver": "on",
            "backup_method": "rsync",
            "create_slot": "auto",
            "slot_name": "barman",
            "streaming_archiver": "on",
            "streaming_conninfo": "host=a password=x%y",
        }
        again = plan(host({"pg": text}), DesiredConfiguration([DesiredEntry("pg", self.ARCHIVED)], handover=True))
        assert (again.changed, again.handing_over) == (False, {"pg": ["streaming"]})
        at_last = plan(host({"pg": text}), DesiredConfiguration([DesiredEntry("pg", self.ARCHIVED)]))
        assert (after(at_last), at_last.handing_over) == ({"/d/pg.conf": ours("pg", **self.ARCHIVED)}, {})

    def test_archiving_stays_beside_streaming(self) -> None:
        planned = self.planned(self.ARCHIVED, self.STREAMED)
        assert planned.handing_over == {"pg": ["archiving"]}
        assert after(planned) == {"/d/pg.conf": ours("pg", **{**self.STREAMED, "archiver": True})}

    def test_what_is_declared_wins_over_what_stays(self) -> None:
        new = {**self.ARCHIVED, "streaming_conninfo": "host=b"}
        text = after(self.planned(self.STREAMED, new))["/d/pg.conf"] or ""
        assert barman_reads(text, NEW)["pg"]["streaming_conninfo"] == "host=b"

    def test_an_active_entry_that_is_to_be_passive_stays_as_it_is(self) -> None:
        passive = {"primary_ssh_command": "ssh b"}
        planned = self.planned(self.STREAMED, passive)
        assert (planned.changed, planned.handing_over) == (False, {"pg": ["server"]})
        assert [(item["name"], item["slot_name"]) for item in planned.unlisted] == [("pg", "barman")]
        assert after(self.planned(self.STREAMED, passive, handover=False)) == {"/d/pg.conf": ours("pg", **passive)}

    @pytest.mark.parametrize("now", [{"primary_ssh_command": "ssh b"}, {**STREAMED, "active": False}])
    def test_what_does_nothing_now_hands_nothing_over(self, now: Mapping[str, Any]) -> None:
        planned = self.planned(now, self.ARCHIVED)
        assert (after(planned), planned.handing_over) == ({"/d/pg.conf": ours("pg", **self.ARCHIVED)}, {})

    def test_both_ways_need_no_handover(self) -> None:
        both = {**self.STREAMED, "archiver": True}
        assert self.planned(self.ARCHIVED, both).handing_over == {}
        assert self.planned(both, both).handing_over == {}
        assert self.planned(both, self.ARCHIVED).handing_over == {"pg": ["streaming"]}
        assert self.planned(both, self.STREAMED).handing_over == {"pg": ["archiving"]}

    def test_a_new_or_broken_entry_hands_nothing_over(self) -> None:
        for files in ({}, {"pg": HEADER + "nonsense"}):
            planned = plan(host(files), DesiredConfiguration([DesiredEntry("pg", self.ARCHIVED)], handover=True))
            assert (after(planned), planned.handing_over) == ({"/d/pg.conf": ours("pg", **self.ARCHIVED)}, {})


class TestUnlisted:
    """Entries of ours that are not declared any more."""

    def test_they_are_reported_with_the_host_that_they_are_for(self) -> None:
        options = {
            "streaming_archiver": True,
            "archiver": False,
            "slot_name": "barman",
            "conninfo": "host=198.51.100.1 user=barman password=secret",
            "streaming_conninfo": "host=198.51.100.1 user='streaming barman'",
            "streaming_archiver_name": "receiver",
        }
        moved = render_entry(DesiredEntry("pg", options, host="pg-eu"))
        passive_entry = render_entry(DesiredEntry("p", {"primary_ssh_command": "ssh b", "active": False}, host="p-eu"))
        current = host({"pg": moved, "p": passive_entry, "a": ours("a"), "hand": "[hand]\n", "old": ours("old")})
        planned = plan(current, DesiredConfiguration([DesiredEntry("a")]))
        assert not planned.changed
        off: dict[str, Any] = {
            "streaming": False,
            "archiving": False,
            "slot_name": None,
            "users": [],
            "receiver_name": None,
        }
        assert planned.unlisted == [
            {"name": "old", "host": None, "active": True, "passive": False, **off},
            {"name": "p", "host": "p-eu", "active": False, "passive": True, **off},
            {
                "name": "pg",
                "host": "pg-eu",
                "active": True,
                "passive": False,
                "streaming": True,
                "archiving": False,
                "slot_name": "barman",
                "users": ["barman", "streaming barman"],
                "receiver_name": "receiver",
            },
        ]

    def test_prune_leaves_what_is_to_be_kept(self) -> None:
        kept = render_entry(DesiredEntry("b", host="b-eu"))
        current = host({"a": ours("a"), "b": kept, "c": ours("c")})
        planned = plan(current, DesiredConfiguration([DesiredEntry("a")], prune=True, keep=["b-eu"]))
        assert after(planned) == {"/d/c.conf": None}
        assert [item["name"] for item in planned.unlisted] == ["b"]

    def test_prune_leaves_the_entry_of_a_decommissioned_server_whose_backups_are_kept(self) -> None:
        released = render_entry(DesiredEntry("b", {"active": False}, host="b-eu"))
        current = host({"a": ours("a"), "b": released, "c": ours("c")})
        planned = plan(current, DesiredConfiguration([DesiredEntry("a")], prune=True))
        assert after(planned) == {"/d/c.conf": None}
        assert [(item["name"], item["active"]) for item in planned.unlisted] == [("b", False)]


class TestFormerSlots:
    """A slot that an entry does not name any more is told of by nothing else."""

    def planned(self, text: str, slot: str, *, handover: bool = True) -> ConfigurationPlan:
        options = {"streaming_archiver": True, "slot_name": slot}
        return plan(
            host({"pg": text}), DesiredConfiguration([DesiredEntry("pg", options, host="pg-eu")], handover=handover)
        )

    def test_they_are_noted_until_they_are_gone(self) -> None:
        first = self.planned(ours("pg", streaming_archiver=True, slot_name="one"), "two")
        assert (first.handing_over, first.former_slots) == ({"pg": ["slot"]}, {"pg": ["one"]})
        text = after(first)["/d/pg.conf"] or ""
        assert barman_reads(text, NEW)["pg"] == {"streaming_archiver": "on", "slot_name": "two"}
        again = self.planned(text, "two")
        assert (again.changed, again.former_slots) == (False, {"pg": ["one"]})
        assert self.planned(text, "three").former_slots == {"pg": ["one", "two"]}
        assert self.planned(text, "one").former_slots == {"pg": ["two"]}
        last = self.planned(text, "two", handover=False)
        assert after(last) == {"/d/pg.conf": text.replace("# Its former replication slot: one\n", "")}
        assert (last.handing_over, last.former_slots) == ({}, {})

    def test_streaming_that_is_given_up_takes_its_own_slot_away(self) -> None:
        planned = plan(
            host({"pg": ours("pg", streaming_archiver=True, slot_name="one")}),
            DesiredConfiguration([DesiredEntry("pg", {"archiver": True, "streaming_archiver": False})], handover=True),
        )
        assert (planned.handing_over, planned.former_slots) == ({"pg": ["streaming"]}, {})

    def test_a_server_that_was_let_go_has_none(self) -> None:
        planned = self.planned(ours("pg", active=False, streaming_archiver=True, slot_name="one"), "two")
        assert planned.former_slots == {}


class TestGlobalHooks:
    """Hooks of all servers that are not declared any more would run on."""

    HOOKS = (
        "pre_backup_script = /usr/local/lib/pgdr.barman/run-hook --state /s --attempts 1 -- /x\n"
        "post_backup_script = /srv/by-hand.sh\n"
    )

    def test_ours_go_and_others_stay(self) -> None:
        planned = plan(host(main=MAIN + self.HOOKS), DesiredConfiguration([], {"barman_home": "/var/lib/barman"}))
        assert after(planned) == {"/etc/barman.conf": MAIN + "post_backup_script = /srv/by-hand.sh\n"}

    def test_those_that_are_declared_stay(self) -> None:
        value = "/usr/local/lib/pgdr.barman/run-hook --state /s --attempts 1 -- /x"
        planned = plan(host(main=MAIN + self.HOOKS), DesiredConfiguration([], {"pre_backup_script": value}))
        assert after(planned) == {}

    def test_where_the_section_is_not_managed_nothing_goes(self) -> None:
        assert after(plan(host(main=MAIN + self.HOOKS), DesiredConfiguration([]))) == {}
