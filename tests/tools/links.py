# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask each external address of the documentation and the code whether it exists: python -m tests.tools.links

A dead address (404, 410) fails. An address that can't be reached, or whose server refuses the question, is listed and does not fail. Without a network
nothing can be reached: the run reports that, and succeeds.
"""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

from tests.tools.stage import REPOSITORY

ADDRESS = re.compile(r"https?://[\w.-]+\.[a-z]{2,}(?:[/?#][^\s`'\"<>\\{}\]|]*)?")
ENDS = ".,;:!?*_…"
EXAMPLES = re.compile(r"(?:^|\.)(?:example|invalid|test|localhost)(?:$|\.)")
"""Hosts that exist in examples only (RFC 2606)."""
SOURCES = ("*.md", "*.py", "*.yml", "*.toml", "Makefile")
SECONDS, AT_ONCE = 20, 8
GONE = (404, 410)


class Answer(Enum):
    EXISTS = "exists"
    DEAD = "dead"
    REFUSED = "refused"
    UNREACHABLE = "unreachable"


def addresses(text: str) -> Iterator[str]:
    """The external addresses of a text, without their fragments."""
    for found in ADDRESS.finditer(text):
        address = found[0].rstrip(ENDS)
        if address.count(")") > address.count("("):
            address = address[: address.rindex(")")].rstrip(ENDS)
        if not EXAMPLES.search(urlsplit(address).hostname or ""):
            yield urldefrag(address).url


def places(files: Mapping[str, str]) -> dict[str, list[str]]:
    """The files that name each address. files: the texts by name."""
    found: dict[str, list[str]] = {}
    for name, text in files.items():
        for address in dict.fromkeys(addresses(text)):
            found.setdefault(address, []).append(name)
    return found


def ask(address: str) -> Answer:
    """Ask the server. Some servers answer HEAD wrongly, so GET decides."""
    answer = Answer.UNREACHABLE
    for method in ("HEAD", "GET"):
        request = urllib.request.Request(address, method=method, headers={"User-Agent": "pgdr.barman links"})
        try:
            with urllib.request.urlopen(request, timeout=SECONDS):
                return Answer.EXISTS
        except urllib.error.HTTPError as error:
            answer = Answer.DEAD if error.code in GONE else Answer.REFUSED
        except (OSError, http.client.HTTPException):
            return Answer.UNREACHABLE
    return answer


def report(named: Mapping[str, Sequence[str]], answers: Mapping[str, Answer]) -> tuple[list[str], bool]:
    """The lines, and whether no address is dead."""
    by_answer = {kind: [address for address in sorted(named) if answers[address] is kind] for kind in Answer}
    lines = [
        f"{kind.value}: {address} ({', '.join(named[address][:3])})"
        for kind in (Answer.DEAD, Answer.REFUSED, Answer.UNREACHABLE)
        for address in by_answer[kind]
    ]
    if named and len(by_answer[Answer.UNREACHABLE]) == len(named):
        return [f"None of {len(named)} addresses can be reached: there is no network, and nothing was checked."], True
    counts = ", ".join(f"{len(found)} {kind.value}" for kind, found in by_answer.items())
    return [*lines, f"{len(named)} addresses: {counts}"], not by_answer[Answer.DEAD]


def tracked() -> dict[str, str]:
    """The texts of the repository by name. Tests name addresses that are no links."""
    listed = subprocess.run(
        ["git", "ls-files", "--", *SOURCES], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    names = [name for name in listed if Path(name).parts[0] not in ("tests", "extensions")]
    return {name: (REPOSITORY / name).read_text(encoding="utf-8") for name in names if (REPOSITORY / name).is_file()}


def main(question: Callable[[str], Answer] = ask) -> int:
    named = places(tracked())
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = dict(zip(named, pool.map(question, named), strict=True))
    lines, ok = report(named, answers)
    print("\n".join(lines))
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
