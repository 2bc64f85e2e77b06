# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.ssh_failure import SshFailure, last_line, ssh_failure


@pytest.mark.parametrize(
    ("stderr", "failure"),
    [
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            SshFailure.HOST_KEY_CHANGED,
        ),
        ("Host key verification failed.", SshFailure.HOST_KEY_UNKNOWN),
        ("barman@198.51.100.1: Permission denied (publickey).", SshFailure.DENIED),
        ("ssh: connect to host b port 22: Connection refused", SshFailure.REFUSED),
        ("ssh: connect to host b port 22: Connection timed out", SshFailure.TIMEOUT),
        ("Connection timed out during banner exchange", SshFailure.TIMEOUT),
        ("ssh: connect to host b port 22: No route to host", SshFailure.NO_ROUTE),
        ("ssh: Could not resolve hostname b: Name or service not known", SshFailure.UNKNOWN_NAME),
        ("Connection closed by 198.51.100.1 port 22", SshFailure.CLOSED),
        ("kex_exchange_identification: read: Connection reset by peer", SshFailure.CLOSED),
        ("Bad configuration option: x", SshFailure.OTHER),
        ("", SshFailure.OTHER),
    ],
)
def test_the_kind_of_failure(stderr: str, failure: SshFailure) -> None:
    assert ssh_failure(stderr) is failure


def test_the_last_line_that_is_not_empty() -> None:
    assert last_line("one\n two \n\n") == "two"
    assert last_line(" \n") == "nothing"
