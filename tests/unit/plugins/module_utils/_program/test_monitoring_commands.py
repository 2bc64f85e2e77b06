# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands metrics and nagios, as main() calls them."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.files import write_atomic
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import HostObservation
from ansible_collections.pgdr.barman.plugins.module_utils._program import (
    main,
    metrics_command,
    nagios_command,
    observing,
)
from ansible_collections.pgdr.barman.plugins.module_utils._program.metrics_command import SamplePace, write_samples
from tests.unit.plugins.module_utils._monitoring.watched_host import WatchedHost

USER = "nobody" if os.geteuid() == 0 else "root"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"barman_user": USER, "monitoring": {"backup_maximum_age": {"pg": 60}}}))
    place = tmp_path / "host"
    place.mkdir()
    host = WatchedHost(place, last_backup_maximum_age=None)

    def observe(*_arguments: object, **_more: object) -> HostObservation:
        return host.observe()

    # The child is another user, and these directories are root's.
    for module in (metrics_command, nagios_command):
        monkeypatch.setattr(module, "observe", observe)
    monkeypatch.setattr(nagios_command, "text_as", lambda user, work: work())
    monkeypatch.setattr(metrics_command, "texts_as", lambda user, work, end: contextlib.nullcontext(work))
    monkeypatch.setattr(metrics_command, "SAMPLE", -5.0)
    return str(path)


def run(path: str, *arguments: str) -> int:
    return main.main(arguments, path=path)


def test_metrics_on_standard_output(settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "metrics") == 0
    shown = capsys.readouterr().out
    assert 'pgdr_barman_postgresql_up{server="pg"} 1\n' in shown
    assert 'pgdr_barman_backup_maximum_age_seconds{server="pg"} 60\n' in shown


def test_metrics_in_a_file_for_everybody(settings: str, tmp_path: Path) -> None:
    directory = tmp_path / "textfile"
    directory.mkdir()
    path = directory / "pgdr_barman.prom"
    for _ in range(2):
        assert run(settings, "metrics", "--output", str(path)) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in directory.iterdir()] == ["pgdr_barman.prom"]
    assert path.read_text().endswith("\n")


def test_the_file_is_removed(settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pgdr_barman.prom"
    path.write_text("old")
    for _ in range(2):
        assert run(settings, "metrics", "--remove", "--output", str(path)) == 0
        assert not path.exists()
    assert run(settings, "metrics", "--remove") == main.NOT_DONE
    assert "--remove needs --output" in capsys.readouterr().err


def test_two_runs_do_not_pile_up(settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handle = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    assert run(settings, "metrics", "--output", str(tmp_path / "x.prom")) == main.NOT_DONE
    os.close(handle)
    assert "another run still writes metrics" in capsys.readouterr().err


class Clock:
    """Wall time that passes in pauses alone. then: what happens at a second."""

    def __init__(self, then: Mapping[int, Callable[[], object]] | None = None) -> None:
        self.moment = 1_800_000_000.0 - 1_800_000_000.0 % 60
        self.begin = self.moment
        self.then = dict(then or {})

    def pause(self, seconds: float) -> None:
        self.moment += seconds
        for second in [one for one in self.then if self.moment >= self.begin + one]:
            self.then.pop(second)()

    def pace(self, seconds: float, interval: float = 15.0) -> SamplePace:
        return SamplePace(seconds, interval, lambda: self.moment, self.pause)


def samples(path: Path, clock: Clock, pace: SamplePace) -> list[float]:
    """The seconds at which a run wrote."""
    written: list[float] = []

    def sample() -> str:
        written.append(clock.moment - clock.begin)
        return f"{len(written)}\n"

    write_samples(str(path), sample, pace, 0.0)
    return written


def test_samples_are_at_the_same_seconds_of_each_minute(tmp_path: Path) -> None:
    """One is soon after Barman's cron had its time, and one short before cron."""
    clock = Clock()
    assert samples(tmp_path / "x.prom", clock, clock.pace(120)) == [0, 9, 24, 39, 54, 69, 84, 99, 114]
    assert (tmp_path / "x.prom").read_text() == "9\n"


def test_without_seconds_there_is_one_sample(tmp_path: Path) -> None:
    clock = Clock()
    assert samples(tmp_path / "x.prom", clock, clock.pace(0)) == [0]


def test_a_run_ends_when_the_next_one_writes(tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    clock = Clock({60: lambda: write_atomic(str(path), "of the next run", 0o644)})
    assert samples(path, clock, clock.pace(86400)) == [0, 9, 24, 39, 54]
    assert path.read_text() == "of the next run"
    assert clock.moment - clock.begin <= 61


def test_a_run_ends_when_the_file_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    clock = Clock({30: path.unlink})
    assert samples(path, clock, clock.pace(86400)) == [0, 9, 24]
    assert not path.exists()


def test_the_lock_is_free_between_samples(settings: str, tmp_path: Path) -> None:
    path = tmp_path / "x.prom"
    results: list[int] = []
    clock = Clock({30: lambda: results.append(run(settings, "metrics", "--output", str(path)))})
    samples(path, clock, clock.pace(86400))
    assert results == [0]
    assert "pgdr_barman_postgresql_up" in path.read_text()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["--seconds", "5"], "--seconds needs --output"), (["--interval", "0"], "--interval is 0")],
)
def test_arguments_that_do_not_fit(
    settings: str, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(settings, "metrics", *arguments) == main.NOT_DONE
    assert message in capsys.readouterr().err


def test_a_directory_that_is_missing(settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "metrics", "--output", str(tmp_path / "none" / "x.prom")) == main.NOT_DONE
    assert "Install node exporter, or set barman_textfile_directory" in capsys.readouterr().err


def test_nagios(settings: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "nagios", "pg", "--rpo-warning", "5") == 2
    assert capsys.readouterr().out.startswith("BARMAN CRITICAL: pg: the newest valid backup is 1.0 hours old")


@pytest.mark.parametrize("arguments", [["--rpo-warning", "x"], ["--unknown"]])
def test_wrong_arguments_are_unknown(settings: str, arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(settings, "nagios", *arguments) == 3
    assert capsys.readouterr().out.startswith("BARMAN UNKNOWN: the arguments are not valid")


def test_missing_settings_are_unknown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(str(tmp_path / "none"), "nagios") == 3
    assert "BARMAN UNKNOWN: " in capsys.readouterr().out


def test_another_user_is_unknown(
    settings: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert run(settings, "nagios") == 3
    assert f"sudo -u {USER} pgdr-barman" in capsys.readouterr().out


def test_an_unexpected_error_is_unknown(
    settings: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def work(*_arguments: object) -> str:
        raise KeyError("password=x")

    monkeypatch.setattr(nagios_command, "text_as", work)
    assert run(settings, "nagios") == 3
    shown = capsys.readouterr()
    assert (
        shown.out
        == "BARMAN UNKNOWN: pgdr-barman failed unexpectedly (KeyError): run it at a prompt, which shows where\n"
    )
    assert "Traceback" in shown.err


@pytest.mark.parametrize("part", [{"backup_maximum_age": {"pg": "x"}}, {"backup_maximum_age": 5}])
def test_limits_that_can_not_be_read_are_unknown(
    settings: str, part: object, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(settings).write_text(json.dumps({"barman_user": USER, "monitoring": part}))
    assert run(settings, "nagios") == 3
    assert "the limits in the program's settings can't be read" in capsys.readouterr().out


def test_the_observation_needs_psycopg(settings: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A host without it would show every server as unreachable."""
    called = []
    monkeypatch.setattr(observing, "require_psycopg", lambda: called.append("psycopg"))
    monkeypatch.setattr(observing, "observe_host", lambda *args, **more: called.append("observed"))
    parser_options = type("Options", (), {"config": None, "timeout": 1.0})
    observing.observe(parser_options, observing.Settings(USER))  # type: ignore[arg-type]
    assert called == ["psycopg", "observed"]
