# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts that the rules of tests/tools/language.yml are for."""

from __future__ import annotations

from tests.tools import language

LONG = "and so on, " * 20


def complaints(texts) -> list[str]:
    return [one.what for one in language.complaints(texts, language.load())]


def test_the_words_of_comments_are_checked_and_the_length_of_their_sentences_is_not() -> None:
    # REUSE-IgnoreStart
    text = f"# SPDX-License-Identifier: said\nx = 1  # said\n# A comment that was\n#: told in two lines.\n# {LONG}\n"
    # REUSE-IgnoreEnd
    texts = list(language.of_comments("a.py", text))
    assert [one.line for one in texts] == [3]
    assert complaints(texts) == ["'told' → report"]


def test_where_is_a_place_in_comments_and_docstrings() -> None:
    assert complaints(language.of_comments("a.yml", "# Where the segment begins.\n")) == []
    assert complaints(language.of_docstrings("a.py", '"""Where the segment begins."""')) == []


def test_a_docstring_is_checked_as_a_whole() -> None:
    text = f'def one():\n    """Return it.\n\n    PostgreSQL says so. {LONG}\n    """\n'
    assert complaints(language.of_docstrings("a.py", text)) == ["'says' → report, state, print"]
    text = f'def one():\n    """Return {LONG}"""\n'
    assert [one.endswith(" words") for one in complaints(language.of_docstrings("a.py", text))] == [True]
