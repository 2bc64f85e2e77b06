# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What may be deleted and kept, with a Barman that is played."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._backup.removal import (
    RemovalError,
    keep,
    plan_keeping,
    plan_removal,
    remove,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.catalog import (
    Backup,
    CatalogError,
    chain,
    dependents,
    read_backups,
)
from ansible_collections.pgdr.barman.plugins.module_utils._barman.command import Barman
from ansible_collections.pgdr.barman.plugins.module_utils._barman.configuration import ServerConfiguration
from ansible_collections.pgdr.barman.plugins.module_utils._barman.server import Server
from ansible_collections.pgdr.barman.plugins.module_utils._host.process import Command, Completed, HostError

MONDAY, TUESDAY, WEDNESDAY, THURSDAY = ("20261116T010000", "20261117T010000", "20261118T010000", "20261119T010000")


def one(backup_id: str, status: str = "DONE", **values: object) -> Backup:
    return Backup(backup_id, status, "/x", **values)  # type: ignore[arg-type]


def week() -> list[Backup]:
    """A full backup with an increment, an increment on that, and another full one."""
    return [
        one(MONDAY, name="before the upgrade"),
        one(TUESDAY, parent_backup_id=MONDAY),
        one(WEDNESDAY, parent_backup_id=TUESDAY),
        one(THURSDAY),
    ]


def server(**options: str) -> ServerConfiguration:
    return ServerConfiguration("pg", {"minimum_redundancy": "1", **options}, "pg.conf")


class TestChain:
    def test_down_to_the_full_one(self) -> None:
        assert [backup.backup_id for backup in chain(week(), week()[2])] == [WEDNESDAY, TUESDAY, MONDAY]
        assert chain(week(), week()[3]) == [week()[3]]

    def test_what_needs_a_backup(self) -> None:
        assert [backup.backup_id for backup in dependents(week(), week()[0])] == [TUESDAY, WEDNESDAY]
        assert [backup.backup_id for backup in dependents(reversed(week()), week()[1])] == [WEDNESDAY]
        assert dependents(week(), week()[3]) == []

    def test_a_deleted_root(self) -> None:
        with pytest.raises(CatalogError, match=f"{TUESDAY} is incremental, and backup {MONDAY}, .* not in the catalog"):
            chain(week()[1:], week()[1])

    def test_a_failed_parent(self) -> None:
        backups = [one(MONDAY, "FAILED"), one(TUESDAY, parent_backup_id=MONDAY)]
        with pytest.raises(CatalogError, match=r"not complete .FAILED"):
            chain(backups, backups[1])

    def test_a_circle_ends(self) -> None:
        backups = [one(MONDAY, parent_backup_id=TUESDAY), one(TUESDAY, parent_backup_id=MONDAY)]
        with pytest.raises(CatalogError):
            chain(backups, backups[0])


class TestPlan:
    def test_one_without_increments(self) -> None:
        assert [backup.backup_id for backup in plan_removal(server(), week(), THURSDAY, dependent=False).backups] == [
            THURSDAY
        ]

    def test_the_last_of_a_chain(self) -> None:
        assert [backup.backup_id for backup in plan_removal(server(), week(), WEDNESDAY, dependent=False).backups] == [
            WEDNESDAY
        ]

    def test_increments_are_deleted_only_on_request(self) -> None:
        with pytest.raises(
            RemovalError, match=f"would be deleted with it: {TUESDAY}, {WEDNESDAY}. Set 'dependents: true'"
        ):
            plan_removal(server(), week(), MONDAY, dependent=False)
        going = plan_removal(server(), week(), MONDAY, dependent=True)
        assert [backup.backup_id for backup in going.backups] == [MONDAY, TUESDAY, WEDNESDAY]

    def test_by_name(self) -> None:
        assert plan_removal(server(), week(), "before the upgrade", dependent=True).backups[0].backup_id == MONDAY
        twice = [one(MONDAY, name="x"), one(TUESDAY, name="x"), one(WEDNESDAY)]
        with pytest.raises(RemovalError, match=f"several backups .* set an id instead: {MONDAY}, {TUESDAY}"):
            plan_removal(server(), twice, "x", dependent=False)

    def test_what_is_gone_is_gone(self) -> None:
        assert not plan_removal(server(), week(), "20200101T000000", dependent=False).changes

    @pytest.mark.parametrize("word", ["latest", "oldest", "last-failed"])
    def test_a_word_means_another_backup_each_time(self, word: str) -> None:
        with pytest.raises(RemovalError, match="names another backup each time"):
            plan_removal(server(), week(), word, dependent=False)

    def test_increments_do_not_count_as_redundancy(self) -> None:
        """Barman before 3.15 counts three backups here, and deletes the only full one and with it all."""
        with pytest.raises(
            RemovalError, match=f"minimum_redundancy is 1, and there is one backup that counts: {MONDAY}"
        ):
            plan_removal(server(), week()[:3], MONDAY, dependent=True)
        assert plan_removal(server(minimum_redundancy="0"), week()[:3], MONDAY, dependent=True).changes
        assert plan_removal(server(), week()[:3], WEDNESDAY, dependent=False).changes

    def test_a_failed_one_is_no_redundancy_and_may_go(self) -> None:
        backups = [one(MONDAY), one(TUESDAY, "FAILED")]
        assert plan_removal(server(), backups, TUESDAY, dependent=False).changes
        with pytest.raises(RemovalError, match="minimum_redundancy is 1"):
            plan_removal(server(), backups, MONDAY, dependent=False)

    def test_a_kept_one_stays(self) -> None:
        with pytest.raises(RemovalError, match=f"{MONDAY} is kept .standalone.: release it first"):
            plan_removal(server(), [one(MONDAY, keep="standalone"), one(TUESDAY)], MONDAY, dependent=False)

    def test_one_that_is_taken_now(self) -> None:
        with pytest.raises(RemovalError, match=f"{TUESDAY} is being taken now"):
            plan_removal(server(), [one(MONDAY), one(TUESDAY, "STARTED")], TUESDAY, dependent=False)

    def test_a_passive_server_would_have_it_again(self) -> None:
        passive = server(primary_ssh_command="ssh barman@elsewhere")
        with pytest.raises(RemovalError, match="is passive on this host"):
            plan_removal(passive, week(), THURSDAY, dependent=False)

    def test_everything_is_reported_at_once(self) -> None:
        backups = [one(MONDAY, keep="full"), one(TUESDAY, parent_backup_id=MONDAY)]
        with pytest.raises(RemovalError) as caught:
            plan_removal(server(), backups, MONDAY, dependent=False)
        for word in ("is kept (full)", "would be deleted with it", "minimum_redundancy is 1"):
            assert word in str(caught.value)


class TestKeeping:
    def test_keep_and_release(self) -> None:
        assert plan_keeping(server(), week(), MONDAY, "full").changes
        kept = [one(MONDAY, keep="full")]
        assert not plan_keeping(server(), kept, MONDAY, "full").changes
        assert plan_keeping(server(), kept, MONDAY, "standalone").changes
        assert plan_keeping(server(), kept, MONDAY, None).changes
        assert not plan_keeping(server(), week(), MONDAY, None).changes

    def test_one_that_is_not_there(self) -> None:
        assert not plan_keeping(server(), week(), "gone", None).changes
        with pytest.raises(RemovalError, match="backup 'gone' of server 'pg' does not exist"):
            plan_keeping(server(), week(), "gone", "full")

    def test_barman_s_words(self) -> None:
        kept = plan_keeping(server(), week(), "latest", "full").backup
        assert kept is not None
        assert kept.backup_id == THURSDAY
        with pytest.raises(RemovalError):
            plan_keeping(server(), [], "latest", None)

    def test_an_increment_leads_to_its_full_backup(self) -> None:
        with pytest.raises(RemovalError, match=f"{WEDNESDAY} .* is incremental, .* keep {MONDAY}, with target full"):
            plan_keeping(server(), week(), WEDNESDAY, "full")

    def test_one_that_is_not_done(self) -> None:
        with pytest.raises(RemovalError, match="is WAITING_FOR_WALS: only one that is DONE"):
            plan_keeping(server(), [one(MONDAY, "WAITING_FOR_WALS")], MONDAY, "full")


class Host:
    """Barman's files, and a Barman that deletes and keeps as it is told."""

    def __init__(self, path: Path) -> None:
        self.base, self.meta = path / "base", path / "meta"
        self.base.mkdir()
        self.meta.mkdir()
        self.server = server(backup_directory=str(path), basebackups_directory=str(self.base))
        self.barman = Barman(self.run)
        self.log: list[str] = []
        self.answer = (0, "{}")
        self.obeys = True
        for backup in week():
            parent = f"parent_backup_id={backup.parent_backup_id}\n" if backup.parent_backup_id else ""
            (self.meta / f"{backup.backup_id}-backup.info").write_text(f"status=DONE\n{parent}")

    def run(self, command: Command) -> Completed:
        words = list(command.argv)[3:]
        self.log.append(" ".join(words))
        if self.obeys and words[0] == "delete":
            for backup in [*dependents(read_backups(self.server), one(words[-1])), one(words[-1])]:
                (self.meta / f"{backup.backup_id}-backup.info").unlink()
        elif self.obeys and words[1] == "--release":
            (self.meta / f"{words[-1]}-keep").unlink()
        elif self.obeys:
            (self.meta / f"{words[-1]}-keep").write_text(words[2])
        return Completed(command.argv, *self.answer)


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_a_deleted_backup_is_verified_to_be_missing(host: Host) -> None:
    removal = plan_removal(host.server, read_backups(host.server), MONDAY, dependent=True)
    remove(Server(host.barman, host.server), removal)
    assert host.log == [f"delete pg {MONDAY}"]
    assert [backup.backup_id for backup in read_backups(host.server)] == [THURSDAY]


def test_a_failed_deletion_is_reported_with_barman_s_message(host: Host) -> None:
    host.obeys, host.answer = (
        False,
        (1, json.dumps({"_WARNING": ["Skipping delete of it"], "_ERROR": ["Cannot delete"]})),
    )
    removal = plan_removal(host.server, read_backups(host.server), MONDAY, dependent=True)
    with pytest.raises(
        RemovalError, match=f"Skipping delete of it; Cannot delete. These remain: {MONDAY}, {TUESDAY}, "
    ):
        remove(Server(host.barman, host.server), removal)


def test_a_success_that_is_none(host: Host) -> None:
    host.obeys = False
    backups = read_backups(host.server)
    with pytest.raises(RemovalError, match="These remain"):
        remove(Server(host.barman, host.server), plan_removal(host.server, backups, THURSDAY, dependent=False))
    with pytest.raises(HostError, match=r"did not keep backup .*: Barman reported success"):
        keep(Server(host.barman, host.server), plan_keeping(host.server, backups, THURSDAY, "full"))


def test_kept_and_released(host: Host) -> None:
    assert (
        keep(Server(host.barman, host.server), plan_keeping(host.server, week(), THURSDAY, "standalone")).keep
        == "standalone"
    )
    kept = read_backups(host.server)
    assert keep(Server(host.barman, host.server), plan_keeping(host.server, kept, THURSDAY, None)).keep is None
    assert host.log == [f"keep --target standalone pg {THURSDAY}", f"keep --release pg {THURSDAY}"]
