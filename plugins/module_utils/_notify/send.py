# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sending a message by HTTP or SMTP.

This module util is private to the collection. No error repeats the address of a webhook or a password: the address alone can be a secret.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import smtplib
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Any

from .._host.process import HostError
from .settings import Mail, Webhook

#: Seconds that a server has to answer.
TIMEOUT = 10.0


class SendError(HostError):
    """A message was not sent."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirection would carry the token to another server."""

    def redirect_request(self, *_given: Any, **_more: Any) -> None:
        return None


def post(webhook: Webhook, payload: Mapping[str, Any], timeout: float = TIMEOUT) -> None:
    """Raises SendError."""
    headers = {"Content-Type": "application/json", "User-Agent": "pgdr-barman"}
    if webhook.token:
        headers["Authorization"] = f"Bearer {webhook.token}"
    try:
        request = urllib.request.Request(webhook.url, json.dumps(payload).encode(), headers, method="POST")
        with contextlib.closing(urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout)):
            pass
    except urllib.error.HTTPError as exc:
        exc.close()
        raise SendError(
            f"the webhook answered with the HTTP status {exc.code}. Check barman_notify_webhook_url"
        ) from None
    except urllib.error.URLError as exc:
        raise SendError(f"the webhook can't be reached: {_reason(exc.reason)}") from None
    except (OSError, ValueError, http.client.HTTPException) as exc:
        raise SendError(f"the webhook can't be reached: {_reason(exc)}") from None


def send_mail(mail: Mail, subject: str, text: str, timeout: float = TIMEOUT) -> None:
    """Raises SendError."""
    message = EmailMessage()
    message["Subject"] = subject
    message["From"] = mail.sender
    message["To"] = ", ".join(mail.recipients)
    message["Date"] = formatdate()
    message["Message-ID"] = make_msgid(domain=mail.sender.rpartition("@")[2] or None)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    try:
        with _connected(mail, timeout) as server:
            if mail.user:
                server.login(mail.user, mail.password)
            server.send_message(message)
    except smtplib.SMTPResponseException as exc:
        raise SendError(f"the mail server {mail.host} refused the mail with the SMTP status {exc.smtp_code}") from None
    except smtplib.SMTPRecipientsRefused as exc:
        codes = sorted({code for code, _text in exc.recipients.values()})
        statuses = ", ".join(map(str, codes))
        raise SendError(
            f"the mail server {mail.host} refused every recipient with the SMTP status {statuses}"
        ) from None
    except (smtplib.SMTPException, OSError, ValueError) as exc:
        raise SendError(f"the mail server {mail.host}, port {mail.port}, can't be used: {_reason(exc)}") from None


@contextlib.contextmanager
def _connected(mail: Mail, timeout: float) -> Any:
    context = ssl.create_default_context()
    if mail.security == "tls":
        with smtplib.SMTP_SSL(mail.host, mail.port, timeout=timeout, context=context) as server:
            yield server
        return
    with smtplib.SMTP(mail.host, mail.port, timeout=timeout) as server:
        if mail.security == "starttls":
            server.starttls(context=context)
        yield server


def _reason(exc: Any) -> str:
    """The kind of an error, and the system's words if it has some. Others may repeat the address."""
    return exc.strerror if isinstance(exc, OSError) and exc.strerror else type(exc).__name__
