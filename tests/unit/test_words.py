# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decisions are made by SQLSTATE, exit status and state. Whatever looks at words is listed here, with the reason why it may."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tools import words

ROOT = Path(__file__).parents[2]
UTILS = "plugins/module_utils"

HINT = "phrases a hint beside the original message; nothing depends on it"
OWN = "the text is the collection's own"
BARMAN = "Barman is not translated, and gives nothing else; unknown words are reported as they are"
C_LOCALE = "the program runs with the C locale, and its output has no other form"
FORMAT = "the format of a file or an option, no message"

ALLOWED = {
    f"{UTILS}/_backup/reasons.py": {"disk_full_hint": HINT},
    f"{UTILS}/_barman/command.py": {
        "_EXCEPTION": BARMAN,
        "_without_traceback": "Python's own mark, which is not translated",
    },
    f"{UTILS}/_host/ssh_failure.py": {"ssh_failure": HINT},
    f"{UTILS}/_barman/options.py": {"_WINDOW": FORMAT},
    f"{UTILS}/_barman/receiver_log.py": {
        "receiver_log": "finds lines of Barman's log, which is not translated, to be shown"
    },
    f"{UTILS}/_server/entries.py": {"_HOST": OWN},
    f"{UTILS}/_server/handover.py": {"FORMER_SLOT": OWN},
    f"{UTILS}/_server/staging.py": {
        "_IGNORED_VALUE": BARMAN,
        "_INVALID_CONNINFO": BARMAN,
        "_LOGGED": BARMAN,
        "_MODULE_MISSING": HINT,
        "_NOTHING": BARMAN,
    },
    f"{UTILS}/_sync/synchronisation.py": {"PassiveServer._no_answer": HINT},
    f"{UTILS}/_archive_command/archiving.py": {"Archiver._explain": HINT},
    f"{UTILS}/_postgres/diagnosis.py": {"_match": HINT},
    f"{UTILS}/_postgres/hba_file.py": {"_GENERATED": "is only repeated", "rules_in": OWN, "with_rules": OWN},
    f"{UTILS}/_postgres/data_directory.py": {"read_control": C_LOCALE},
    f"{UTILS}/_postgres/server_address.py": {"Address.query": "the session sets lc_messages to C"},
    f"{UTILS}/_verify/checksums.py": {"_COUNTS": "counts that are reported; the exit status decides"},
    f"{UTILS}/_verify/server_log.py": {
        "_CONSISTENT": "the server under test runs with lc_messages = C",
        "_LOWER": "the server under test runs with lc_messages = C",
        "_STOPPED": "the server under test runs with lc_messages = C",
        "_STOPPED_AT_NAME": "the server under test runs with lc_messages = C",
        "_STOPPED_AT_XACT": "the server under test runs with lc_messages = C",
        "explain": HINT,
    },
}
ALLOWED_PATTERNS: dict[str, dict[str, str]] = {}


def test_nothing_new_in_python_decides_by_words() -> None:
    found = {str(path.relative_to(ROOT)): words.in_python(path.read_text()) for path in words.python_files(ROOT)}
    assert {path: names for path, names in found.items() if names} == {
        path: set(names) for path, names in ALLOWED.items()
    }


def test_nothing_new_in_roles_and_playbooks_decides_by_words() -> None:
    patterns: dict[str, set[str]] = {}
    for directory in ("roles", "playbooks"):
        for path in (ROOT / directory).rglob("*"):
            if path.suffix in (".yml", ".j2", ".sql"):
                text = path.read_text()
                assert not words.in_sql(text), path
                if words.in_jinja(text):
                    patterns[str(path.relative_to(ROOT))] = set(words.in_jinja(text))
    assert patterns == {path: set(found) for path, found in ALLOWED_PATTERNS.items()}


@pytest.mark.parametrize(
    "text",
    [
        'def f(x):\n    return "already running" in x',
        'def f(x):\n    return SIGN not in x\nSIGN = "is active for"',
        "def f(sign, reply):\n    return sign in reply.stderr.lower()",
        'import re\ndef f(x):\n    return re.search("Unknown server", x)',
        'import re\nf = re.compile(r"has already\\s+been")',
        "import re\ndef f(pattern, x):\n    return re.search(pattern, x)",
        'def f(line):\n    return line.startswith("recovery stopping")',
        "f = \"SELECT 1 WHERE error = 'setting could not be applied'\"",
    ],
)
def test_what_is_found_in_python(text: str) -> None:
    assert words.in_python(text) == {"f"}


def test_what_is_found_elsewhere() -> None:
    assert words.in_jinja("when: x.msg is search('has already been')") == ["has already been"]
    assert words.in_jinja("when: \"'No such file' in x.stderr\"") == ["No such file"]
    assert words.in_jinja("when: x.stdout is match('[0-9]+')") == []
    assert words.in_sql("WHERE error NOT LIKE 'parameter % cannot be'")
