# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""libpq by ctypes. tests/integration asks real servers with it."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator

import pytest

from ansible_collections.pgdr.barman.plugins.module_utils._host.process import HostError
from ansible_collections.pgdr.barman.plugins.module_utils._postgres import libpq
from ansible_collections.pgdr.barman.plugins.module_utils._postgres.conninfo import conninfo_text


@pytest.fixture
def forgotten() -> Iterator[None]:
    """The library is loaded anew."""
    libpq._library.cache_clear()
    yield
    libpq._library.cache_clear()


@pytest.fixture
def installed() -> None:
    try:
        ctypes.CDLL(libpq.LIBRARY)
    except OSError:
        pytest.skip(libpq.LIBRARY)


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", {}),
        ("host=a port=5433", {"host": "a", "port": "5433"}),
        (r"password='it\'s \\ mine' user = barman", {"password": r"it's \ mine", "user": "barman"}),
        ("postgresql://barman@[::1]:5433/app?sslmode=require", {
            "user": "barman", "host": "::1", "port": "5433", "dbname": "app", "sslmode": "require"
        }),
        ("host=''", {"host": ""}),
    ],
)  # fmt: skip
def test_a_connection_string_is_read_as_libpq_reads_it(text: str, found: dict[str, str]) -> None:
    assert libpq.parse_conninfo(text) == found
    assert libpq.parse_conninfo(conninfo_text(found)) == found


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("text", ["host", "password='open", "nonsense=1", "postgresql://[::1"])
def test_what_libpq_can_not_read(text: str) -> None:
    assert libpq.parse_conninfo(text) is None


@pytest.mark.usefixtures("installed")
def test_a_connection_that_fails_at_its_start() -> None:
    connection = libpq.LibpqConnection("sslmode=nonsense host=127.0.0.1")
    assert connection.status == libpq.CONNECTION_BAD
    assert "sslmode" in connection.error_message
    connection.finish()


@pytest.mark.usefixtures("forgotten")
def test_without_the_library_the_error_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libpq, "LIBRARY", "libpq.so.none")
    with pytest.raises(HostError, match=r"libpq\.so\.none can't be loaded .*on Debian the package libpq5"):
        libpq.require_libpq()
