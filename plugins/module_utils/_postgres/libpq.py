# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""libpq's connections that do not block, without psycopg: to load psycopg costs more processor time than 20 logins.

This module util is private to the collection. What runs every minute uses it by questions.py. Everything else connects with psycopg, in
connection.py. Source: PostgreSQL's chapters on libpq and libpq-fe.h; the names are libpq's.
"""

from __future__ import annotations

import ctypes
import locale
from collections.abc import Sequence
from functools import cache
from typing import Any

from .._host.process import HostError

LIBRARY = "libpq.so.5"
# libpq-fe.h
CONNECTION_BAD = 1
POLLING_FAILED, POLLING_READING, POLLING_OK = 0, 1, 3
_TUPLES_OK = 2
_SQLSTATE = ord("C")

_POINTER, _TEXT, _INT = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int


class _Option(ctypes.Structure):
    """PQconninfoOption."""

    _fields_ = (
        ("keyword", _TEXT),
        ("envvar", _TEXT),
        ("compiled", _TEXT),
        ("val", _TEXT),
        ("label", _TEXT),
        ("dispchar", _TEXT),
        ("dispsize", _INT),
    )


_OPTIONS = ctypes.POINTER(_Option)
_TEXTS = ctypes.POINTER(_TEXT)
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "PQconnectStart": (_POINTER, (_TEXT,)),
    "PQconnectPoll": (_INT, (_POINTER,)),
    "PQstatus": (_INT, (_POINTER,)),
    "PQsocket": (_INT, (_POINTER,)),
    "PQerrorMessage": (_TEXT, (_POINTER,)),
    "PQsendQueryParams": (_INT, (_POINTER, _TEXT, _INT, _POINTER, _TEXTS, _POINTER, _POINTER, _INT)),
    "PQflush": (_INT, (_POINTER,)),
    "PQconsumeInput": (_INT, (_POINTER,)),
    "PQisBusy": (_INT, (_POINTER,)),
    "PQgetResult": (_POINTER, (_POINTER,)),
    "PQresultStatus": (_INT, (_POINTER,)),
    "PQntuples": (_INT, (_POINTER,)),
    "PQgetvalue": (_TEXT, (_POINTER, _INT, _INT)),
    "PQresultErrorMessage": (_TEXT, (_POINTER,)),
    "PQresultErrorField": (_TEXT, (_POINTER, _INT)),
    "PQclear": (None, (_POINTER,)),
    "PQfinish": (None, (_POINTER,)),
    "PQconninfoParse": (_OPTIONS, (_TEXT, ctypes.POINTER(_POINTER))),
    "PQconninfoFree": (None, (_OPTIONS,)),
    "PQfreemem": (None, (_POINTER,)),
}


@cache
def _library() -> Any:
    """The library, with the types of its functions. Raises HostError if it is missing."""
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as exc:
        raise HostError(
            f"PostgreSQL's library {LIBRARY} can't be loaded ({exc}). Install it (on Debian the package libpq5)"
        ) from None
    for name, (result, arguments) in _FUNCTIONS.items():
        function = getattr(library, name)
        function.restype, function.argtypes = result, list(arguments)
    # libpq has no SQLSTATE for its own errors, only translated words.
    locale.setlocale(locale.LC_MESSAGES, "C")
    return library


def require_libpq() -> None:
    """Raises HostError if the library is missing."""
    _library()


def parse_conninfo(text: str) -> dict[str, str] | None:
    """The keywords and values of a connection string or URI, as libpq reads it; None if libpq can't. Raises HostError."""
    library, message = _library(), _POINTER()
    options = library.PQconninfoParse(text.encode(), ctypes.byref(message))
    if not options:
        # The message would repeat parts of the string, and a password may be among them.
        library.PQfreemem(message)
        return None
    found: dict[str, str] = {}
    try:
        index = 0
        while options[index].keyword is not None:
            option = options[index]
            if option.val is not None:
                found[option.keyword.decode()] = option.val.decode()
            index += 1
    finally:
        library.PQconninfoFree(options)
    return found


class LibpqConnection:
    """A connection from its start. Each method is one function of libpq. Raises HostError if libpq is missing, or out of memory."""

    def __init__(self, conninfo: str) -> None:
        self._library = _library()
        self._connection = self._library.PQconnectStart(conninfo.encode())
        if not self._connection:
            raise HostError("libpq can't allocate a connection")

    @property
    def status(self) -> int:
        return int(self._library.PQstatus(self._connection))

    @property
    def socket(self) -> int:
        return int(self._library.PQsocket(self._connection))

    @property
    def error_message(self) -> str:
        return bytes(self._library.PQerrorMessage(self._connection)).decode(errors="replace")

    def poll(self) -> int:
        return int(self._library.PQconnectPoll(self._connection))

    def send(self, sql: str, params: Sequence[str | None]) -> bool:
        """Whether the statement was sent. params: the texts of $1 and so on."""
        values = (_TEXT * len(params))(*[None if one is None else one.encode() for one in params])
        sent = self._library.PQsendQueryParams(
            self._connection, sql.encode(), len(params), None, values if params else None, None, None, 0
        )
        return bool(sent) and self._library.PQflush(self._connection) >= 0

    def consume_input(self) -> bool:
        return bool(self._library.PQconsumeInput(self._connection))

    def is_busy(self) -> bool:
        return bool(self._library.PQisBusy(self._connection))

    def result(self) -> LibpqResult:
        """What came for the statement."""
        library, found = self._library, self._library.PQgetResult(self._connection)
        if not found:
            return LibpqResult(None, "no row")
        try:
            if library.PQresultStatus(found) == _TUPLES_OK and library.PQntuples(found):
                return LibpqResult(bytes(library.PQgetvalue(found, 0, 0)).decode())
            state = library.PQresultErrorField(found, _SQLSTATE)
            message = bytes(library.PQresultErrorMessage(found)).decode(errors="replace")
            return LibpqResult(None, message, None if state is None else state.decode())
        finally:
            library.PQclear(found)

    def finish(self) -> None:
        """Close the connection. Nothing else may be called then."""
        self._library.PQfinish(self._connection)


class LibpqResult:
    """value: the first column of the first row; None if there is none. error: the reason then. sqlstate: None if none came."""

    def __init__(self, value: str | None, error: str = "", sqlstate: str | None = None) -> None:
        self.value = value
        self.error = error
        self.sqlstate = sqlstate
