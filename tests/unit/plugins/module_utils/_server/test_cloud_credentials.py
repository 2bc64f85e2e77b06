# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import configparser
import getpass
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._server.cloud_credentials import (
    AWS_FILE,
    GOOGLE_FILE,
    apply,
    plan,
)
from ansible_collections.pgdr.barman.plugins.modules import cloud_credentials
from tests.unit.plugins.modules.running import run_main

SECRET = "wJalrXUtnFEMI/K7MDENG%=# it's"
AWS = {"default": {"aws_access_key_id": "AKIA", "aws_secret_access_key": SECRET, "region": "eu-central-1"}}
GOOGLE = {"type": "service_account", "private_key": "-----BEGIN\nabc\n", "client_email": "barman@example.net"}
THEIRS = "[other]\naws_access_key_id = theirs\naws_secret_access_key = theirs too\n"


def ensure(home: Path, aws: Any = None, google: Any = None) -> bool:
    files = plan(str(home), aws, google, getpass.getuser())
    apply(files, getpass.getuser())
    return any(file.changed for file in files)


def put(home: Path, name: str, text: str) -> Path:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read_aws(home: Path) -> configparser.RawConfigParser:
    """As AWS's library does: twice the same section is an error."""
    parser = configparser.RawConfigParser(default_section="")
    parser.read_string((home / AWS_FILE).read_text())
    return parser


def test_files_are_for_their_user_alone(tmp_path: Path) -> None:
    assert ensure(tmp_path, AWS, GOOGLE) is True
    for name in (AWS_FILE, GOOGLE_FILE):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert (tmp_path / name).parent.stat().st_mode & 0o777 == 0o700
    assert dict(read_aws(tmp_path)["default"]) == AWS["default"]
    assert json.loads((tmp_path / GOOGLE_FILE).read_text()) == {**GOOGLE, "managed_by": "pgdr.barman"}
    assert ensure(tmp_path, AWS, GOOGLE) is False


def test_a_file_that_others_can_read_is_closed(tmp_path: Path) -> None:
    ensure(tmp_path, AWS)
    (tmp_path / AWS_FILE).chmod(0o644)
    assert ensure(tmp_path, AWS) is True
    assert (tmp_path / AWS_FILE).stat().st_mode & 0o777 == 0o600


def test_what_is_there_of_others_stays(tmp_path: Path) -> None:
    path = put(tmp_path, AWS_FILE, THEIRS.rstrip("\n"))
    ensure(tmp_path, AWS)
    assert sorted(read_aws(tmp_path).sections()) == ["default", "other"]
    ensure(tmp_path, {"backup": {"region": "eu-west-1"}})
    assert sorted(read_aws(tmp_path).sections()) == ["backup", "other"]
    put(tmp_path, AWS_FILE, path.read_text() + "[more]\nregion = x\n")
    assert ensure(tmp_path, {"backup": {"region": "eu-west-1"}}) is False
    assert ensure(tmp_path, {}) is True
    assert path.read_text() == THEIRS + "[more]\nregion = x\n"
    assert ensure(tmp_path, {}) is False


def test_a_file_goes_with_its_last_profile(tmp_path: Path) -> None:
    assert ensure(tmp_path, {}, {}) is False
    ensure(tmp_path, AWS, GOOGLE)
    assert ensure(tmp_path, {}, {}) is True
    assert not (tmp_path / AWS_FILE).exists()
    assert not (tmp_path / GOOGLE_FILE).exists()


def test_what_is_not_asked_for_is_not_looked_at(tmp_path: Path) -> None:
    put(tmp_path, AWS_FILE, "no settings at all")
    put(tmp_path, GOOGLE_FILE, "nor this")
    assert ensure(tmp_path) is False


def test_a_google_key_of_others_is_never_replaced(tmp_path: Path) -> None:
    path = put(tmp_path, GOOGLE_FILE, '{"type": "authorized_user"}')
    with pytest.raises(HostError, match=r"and somebody else wrote it\. Move it away"):
        ensure(tmp_path, None, GOOGLE)
    assert ensure(tmp_path, None, {}) is False
    assert path.read_text() == '{"type": "authorized_user"}'


@pytest.mark.parametrize(
    ("text", "aws", "message"),
    [
        ("[default]\nregion = x\n", AWS, "the profile 'default' is in .* already, and somebody else wrote it there"),
        ("# BEGIN pgdr.barman\n[default]\n", AWS, "has one of the lines"),
        ("gibberish hunter2\n", AWS, "is not valid"),
        ("", {"a]b": {"region": "x"}}, r"'a\]b' can't be the name of a profile"),
        ("", {"default": {}}, "has no settings"),
        ("", {"default": "text"}, "has no settings"),
        ("", {"default": {"region]": "x"}}, "can't be the name of a setting"),
        ("", {"default": {"region": "hunter2\nline"}}, "region of the profile 'default' is not a text in one line"),
        ("", {"default": {"region": ""}}, "is not a text in one line"),
    ],
)
def test_what_is_refused(tmp_path: Path, text: str, aws: Any, message: str) -> None:
    path = put(tmp_path, AWS_FILE, text)
    with pytest.raises(HostError, match=message) as caught:
        ensure(tmp_path, aws)
    assert "hunter2" not in str(caught.value)
    assert path.read_text() == text


def test_every_problem_is_reported_at_once_and_nothing_written(tmp_path: Path) -> None:
    with pytest.raises(HostError) as caught:
        ensure(tmp_path, {"a": {}, "b": {}}, {"private_key": "hunter2"})
    assert len(str(caught.value).splitlines()) == 3
    assert "hunter2" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / AWS_FILE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(HostError, match=f"{AWS_FILE} is a symbolic link to .*elsewhere"):
        ensure(tmp_path, AWS)


# The module


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(cloud_credentials, "lookup_user", lambda user: SimpleNamespace(pw_dir=str(tmp_path)))
    return tmp_path


def test_check_mode_writes_nothing_and_no_secret_is_returned(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run_main(cloud_credentials.main, capsys, aws=AWS, user=getpass.getuser(), check_mode=True)
    assert answer["changed"] is True
    assert list(home.iterdir()) == []
    answer = run_main(cloud_credentials.main, capsys, aws=AWS, user=getpass.getuser())
    assert answer["files"] == [str(home / AWS_FILE)]
    assert answer["profiles"] == ["default"]
    assert SECRET not in json.dumps(answer)
    assert "AKIA" not in json.dumps(answer)
