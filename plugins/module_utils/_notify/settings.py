# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the deployment writes for notifications: /etc/pgdr-barman-notify.json. It has secrets, so only Barman's user can read it.

This module util is private to the collection. Nothing here reads files.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast

from .._host.process import HostError
from .._monitoring.fault import Severity
from .plan import NotifyPolicy

#: Where it is; the variable barman_monitoring decides whether it is.
NOTIFY_SETTINGS = "/etc/pgdr-barman-notify.json"
MailSecurity = Literal["none", "starttls", "tls"]
_PORTS: Mapping[MailSecurity, int] = {"none": 25, "starttls": 587, "tls": 465}


@dataclass(frozen=True)
class Webhook:
    """An address that gets an HTTP POST. token: for the header Authorization; "" for none."""

    url: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Mail:
    """Recipients and the server that takes the mail."""

    recipients: tuple[str, ...]
    sender: str
    host: str
    port: int
    security: MailSecurity = "none"
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True)
class NotifySettings:
    """The channels, and how often they get a message. None: not declared."""

    policy: NotifyPolicy
    webhook: Webhook | None = None
    mail: Mail | None = None


def parse_settings(text: str | None, path: str, default_sender: str) -> NotifySettings:
    """Raises HostError. No message repeats a value, because it may be a secret."""
    if text is None:
        raise HostError(
            f"{path} does not exist. Add notify to barman_monitoring of this backup server, and run pgdr.barman.deploy"
        )
    try:
        found: Mapping[str, Any] = json.loads(text)
        policy = NotifyPolicy(
            interval=float(found["interval"]) * 60, severity=cast(Severity, str(found.get("severity") or "warning"))
        )
        webhook, mail = found.get("webhook") or {}, found.get("mail") or {}
        settings = NotifySettings(
            policy,
            Webhook(str(webhook["url"]), str(webhook.get("token") or "")) if webhook.get("url") else None,
            _mail(mail, default_sender) if mail.get("recipients") else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise HostError(f"{path} is not as pgdr.barman.deploy writes it. Run that playbook again") from None
    if settings.webhook is not None and not settings.webhook.url.startswith(("https://", "http://")):
        raise HostError("barman_notify_webhook_url does not begin with https:// or http://. Correct it, and deploy")
    return settings


def _mail(found: Mapping[str, Any], default_sender: str) -> Mail:
    security = cast(MailSecurity, str(found.get("security") or "none"))
    host, colon, port = str(found.get("server") or "localhost").rpartition(":")
    if not colon or not port.isdigit():
        host, port = str(found.get("server") or "localhost"), ""
    return Mail(
        recipients=tuple(str(one) for one in found["recipients"]),
        sender=str(found.get("sender") or default_sender),
        host=host.strip("[]"),
        port=int(port or _PORTS[security]),
        security=security,
        user=str(found.get("user") or ""),
        password=str(found.get("password") or ""),
    )
