# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Messages by HTTP and SMTP, with servers of the test, and the command notify."""

from __future__ import annotations

import email
import email.policy
import json
import os
import pwd
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._monitoring.observation import HostObservation
from ansible_collections.pgdr.barman.plugins.module_utils._notify.send import SendError, post, send_mail
from ansible_collections.pgdr.barman.plugins.module_utils._notify.settings import Mail, Webhook, parse_settings
from ansible_collections.pgdr.barman.plugins.module_utils._program import main, notify_command
from tests.unit.plugins.module_utils._monitoring.watched_host import WatchedHost
from tests.unit.plugins.module_utils._notify.sinks import HttpSink, MailSink, serving

USER = pwd.getpwuid(os.geteuid()).pw_name


@pytest.fixture
def web() -> Iterator[HttpSink]:
    with serving(HttpSink()) as server:
        yield server


@pytest.fixture
def mail() -> Iterator[MailSink]:
    with serving(MailSink()) as server:
        yield server


def test_a_post_has_the_token_in_its_header_alone(web: HttpSink) -> None:
    post(Webhook(web.url, "s3cret"), {"text": "x"})
    ((path, headers, content),) = web.requests
    assert (path, content) == ("/hooks/abc", {"text": "x"})
    assert headers["Authorization"] == "Bearer s3cret"
    assert headers["Content-Type"] == "application/json"
    post(Webhook(web.url), {"text": "x"})
    assert "Authorization" not in web.requests[1][1]


@pytest.mark.parametrize("status", [401, 500, 302])
def test_a_refusal_names_the_status_and_not_the_address(web: HttpSink, status: int) -> None:
    web.status = status
    with pytest.raises(SendError, match=f"HTTP status {status}") as failed:
        post(Webhook(web.url, "s3cret"), {})
    assert "hooks" not in str(failed.value)
    # A redirection is not followed: it would carry the token to another server.
    assert len(web.requests) == 1


def test_an_address_that_cannot_be_reached_is_not_repeated() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    for url in (f"http://127.0.0.1:{port}/hooks/abc", "http://[bad/hooks/abc", "http://127.0.0.1:x/hooks/abc"):
        with pytest.raises(SendError, match="can't be reached") as failed:
            post(Webhook(url), {})
        assert "abc" not in str(failed.value)


def test_a_mail(mail: MailSink) -> None:
    declared = Mail(("a@example.net", "b@example.net"), "barman@backup", "127.0.0.1", mail.port)
    send_mail(declared, "Barman on backup: 1 fault", "New:\n- ä\n")
    sent = email.message_from_bytes(mail.mails[0].encode(), policy=email.policy.default)
    assert (sent["From"], sent["To"]) == ("barman@backup", "a@example.net, b@example.net")
    assert sent["Subject"] == "Barman on backup: 1 fault"
    assert sent.get_content().splitlines() == ["New:", "- ä"]
    assert sent["Auto-Submitted"] == "auto-generated"


def test_a_mail_server_that_refuses_is_named_with_its_status(mail: MailSink) -> None:
    mail.recipients = 550
    declared = Mail(("a@example.net",), "barman@backup", "127.0.0.1", mail.port)
    with pytest.raises(SendError, match=r"127\.0\.0\.1 refused every recipient with the SMTP status 550"):
        send_mail(declared, "s", "t")
    with pytest.raises(SendError, match="can't be used"):
        send_mail(replace(declared, security="starttls", user="u", password="hidden"), "s", "t")


def test_settings() -> None:
    text = json.dumps(
        {
            "interval": 5,
            "severity": "critical",
            "webhook": {"url": "https://x/secret", "token": "t"},
            "mail": {"recipients": ["a@x"], "server": "smtp.example.net", "security": "starttls", "sender": ""},
        }
    )
    found = parse_settings(text, "/etc/x", "barman@here")
    assert (found.policy.interval, found.policy.severity) == (300.0, "critical")
    assert found.mail is not None
    assert (found.mail.host, found.mail.port, found.mail.sender) == ("smtp.example.net", 587, "barman@here")
    assert "secret" not in repr(found)
    only_mail = parse_settings(
        '{"interval": 1, "mail": {"recipients": ["a@x"], "server": "[::1]:2525"}}', "/etc/x", "b@h"
    )
    assert only_mail.mail is not None
    assert (only_mail.webhook, only_mail.mail.host, only_mail.mail.port) == (None, "::1", 2525)
    for wrong in (None, "{}", "[]", '{"interval": "x"}', '{"interval": 1, "webhook": {"url": "ftp://secret"}}'):
        with pytest.raises(HostError) as failed:
            parse_settings(wrong, "/etc/x", "b@h")
        assert "secret" not in str(failed.value)


class Notifier:
    """The command on a host whose receiver stopped."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: HttpSink, mail: MailSink) -> None:
        self.path = tmp_path / "settings.json"
        self.path.write_text(json.dumps({"barman_user": USER}))
        self.notify_path = tmp_path / "notify.json"
        self.notify_path.write_text(
            json.dumps(
                {
                    "interval": 15,
                    "webhook": {"url": web.url, "token": "t"},
                    "mail": {"recipients": ["dba@example.net"], "server": f"127.0.0.1:{mail.port}"},
                }
            )
        )
        place = tmp_path / "host"
        place.mkdir()
        self.host = WatchedHost(place)
        self.broken: HostError | None = None
        home = tmp_path / "home"
        home.mkdir()
        account = pwd.getpwuid(os.geteuid())
        monkeypatch.setattr(notify_command, "observe", self.observe)
        monkeypatch.setattr(notify_command, "text_as", lambda user, work: work())
        monkeypatch.setattr(notify_command, "NOTIFY_SETTINGS", str(self.notify_path))
        monkeypatch.setattr(
            notify_command, "lookup_user", lambda user: pwd.struct_passwd((*account[:5], str(home), account[6]))
        )
        self.now = 1_800_000_000.0
        monkeypatch.setattr(notify_command.time, "time", lambda: self.now)

    def observe(self, *_arguments: object, **_more: object) -> HostObservation:
        if self.broken is not None:
            raise self.broken
        return self.host.observe()

    def run(self, *arguments: str) -> int:
        self.now += 60
        return main.main(["notify", *arguments], path=str(self.path))


@pytest.fixture
def notifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, web: HttpSink, mail: MailSink) -> Notifier:
    return Notifier(tmp_path, monkeypatch, web, mail)


def test_a_fault_reaches_every_channel_once(notifier: Notifier, web: HttpSink, mail: MailSink) -> None:
    notifier.broken = HostError("the configuration can't be read")
    assert [notifier.run() for _ in range(5)] == [0] * 5
    ((_path, _headers, content),) = web.requests
    assert content["new"][0]["name"] == "BarmanUnobserved"
    assert content["new"][0]["text"] == "the configuration can't be read"
    assert len(mail.mails) == 1
    assert "the configuration can't be read" in mail.mails[0]


def test_a_channel_that_fails_does_not_silence_the_other(
    notifier: Notifier, web: HttpSink, mail: MailSink, capsys: pytest.CaptureFixture[str]
) -> None:
    web.status = 500
    notifier.broken = HostError("gone")
    assert [notifier.run() for _ in range(4)] == [0, 0, 1, 1]
    assert len(mail.mails) == 1
    assert "webhook: the webhook answered with the HTTP status 500" in capsys.readouterr().err
    web.status = 200
    assert notifier.run() == 0
    assert (len(web.requests), len(mail.mails)) == (3, 1)


def test_the_hook_reports_at_once_and_never_fails(
    notifier: Notifier, web: HttpSink, capsys: pytest.CaptureFixture[str]
) -> None:
    notifier.broken = HostError("gone")
    assert notifier.run("--hook") == 0
    assert len(web.requests) == 1
    notifier.notify_path.write_text("damaged")
    assert notifier.run("--hook") == 0
    assert "Run that playbook again" in capsys.readouterr().err
    assert notifier.run() == main.NOT_DONE


def test_a_test_reaches_every_channel_and_changes_nothing(
    notifier: Notifier, web: HttpSink, mail: MailSink, tmp_path: Path
) -> None:
    for _ in range(2):
        assert notifier.run("--test") == 0
    assert (len(web.requests), len(mail.mails)) == (2, 2)
    assert list((tmp_path / "home").iterdir()) == []


def test_a_healthy_host_sends_nothing_and_the_state_is_private(
    notifier: Notifier, web: HttpSink, tmp_path: Path
) -> None:
    assert [notifier.run() for _ in range(3)] == [0, 0, 0]
    assert web.requests == []
    state = tmp_path / "home" / ".pgdr.barman" / "notify.json"
    assert state.stat().st_mode & 0o777 == 0o600


def test_without_a_channel_the_variables_are_named(notifier: Notifier, capsys: pytest.CaptureFixture[str]) -> None:
    notifier.notify_path.write_text('{"interval": 15}')
    assert notifier.run() == main.NOT_DONE
    assert "set barman_notify_mail or barman_notify_webhook_url" in capsys.readouterr().err
