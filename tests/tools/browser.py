# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pages in Chromium without a window: the accessibility checker axe-core, the size of a page, screenshots.

axe-core comes from npm's registry, and is kept in .cache.
"""

from __future__ import annotations

import hashlib
import html
import io
import json
import os
import re
import subprocess
import tarfile
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from tests.tools.debian import CHROMIUM, TOOLS, program

Scheme = Literal["light", "dark"]
AXE_VERSION = "4.14.1"
_AXE_SHA512 = "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b734f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5"
_RESULT = re.compile(r'<script type="application/json" id="found">(.*?)</script>', re.DOTALL)
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')
#: Milliseconds of Chromium's virtual clock: it ends as soon as nothing is left to do.
_BUDGET = 60000


def chromium(*arguments: str | Path, scheme: Scheme = "light") -> str:
    """What Chromium prints. Raises RuntimeError if it fails."""
    with tempfile.TemporaryDirectory() as profile:
        command = [
            *(str(program(CHROMIUM)), "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}"),
            *(f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}", *map(str, arguments)),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return done.stdout


def evaluated(page: str, script: str, *, scheme: Scheme = "light", width: int = 1280) -> Any:
    """The value that a script returns on a page, after the page has loaded. script: the body of an asynchronous function."""
    runner = (
        "<script>window.addEventListener('load', async () => { let found; try { found = await (async () => {"
        + script
        + "})(); }"
        " catch (error) { found = {error: String(error)}; } const result = document.createElement('script');"
        " result.type = 'application/json'; result.id = 'found';"
        " result.textContent = JSON.stringify(found).replaceAll('<', '\\\\u003c'); document.body.append(result); });</script>"
    )
    # The page forbids every script.
    page = _POLICY.sub("", page)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.html"
        file.write_text(
            page.replace("</body>", f"{runner}</body>") if "</body>" in page else page + runner, encoding="utf-8"
        )
        printed = chromium(
            f"--window-size={width},900", f"--virtual-time-budget={_BUDGET}", "--dump-dom", file.as_uri(), scheme=scheme
        )
    found = _RESULT.search(printed)
    if found is None:
        raise RuntimeError(f"the page has no result: {printed[-500:]}")
    return json.loads(found[1])


def violations(page: str, *, scheme: Scheme = "light", width: int = 1280, colours: bool = False) -> list[str]:
    """What axe-core finds in a page, by its rules for WCAG 2.2 AA and its best practices: a line each, with the elements.

    colours: by the rule for contrasts alone, which is the only one whose result depends on the scheme.
    """
    rules = ", runOnly: ['color-contrast']" if colours else ""
    found = evaluated(
        page,
        axe().replace("</script", "<\\/script")
        + "\n; return (await axe.run(document, {resultTypes: ['violations']"
        + rules
        + "}));",
        scheme=scheme,
        width=width,
    )
    if "violations" not in found:
        raise RuntimeError(f"axe-core did not run: {found}")
    return [
        f"{rule['id']}: {rule['help']}: {', '.join(str(node['target']) + ' ' + _why(node) for node in rule['nodes'][:5])}"
        for rule in found["violations"]
    ]


def _why(node: dict[str, Any]) -> str:
    return "; ".join(check["message"] for check in node["any"][:1])


def axe() -> str:
    """The source of axe-core. Raises RuntimeError if it is not what it was when it was chosen."""
    kept = TOOLS / f"axe-core-{AXE_VERSION}.js"
    if not kept.exists():
        address = f"https://registry.npmjs.org/axe-core/-/axe-core-{AXE_VERSION}.tgz"
        with urllib.request.urlopen(address, timeout=120) as answer:
            packed = answer.read()
        if hashlib.sha512(packed).hexdigest() != _AXE_SHA512:
            raise RuntimeError(f"{address} is another file than before")
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            member = archive.extractfile("package/axe.min.js")
            assert member is not None
            text = member.read().decode()
        TOOLS.mkdir(parents=True, exist_ok=True)
        scratch = kept.with_suffix(f".{os.getpid()}")
        scratch.write_text(text, encoding="utf-8")
        scratch.rename(kept)
    return kept.read_text(encoding="utf-8")


def screenshot(page: Path, target: Path, *, size: Sequence[int] = (1280, 900), scheme: Scheme = "light") -> None:
    """Write what a window of that size shows of a page, as PNG."""
    chromium(
        f"--window-size={size[0]},{size[1]}",
        "--hide-scrollbars",
        f"--screenshot={target}",
        page.as_uri(),
        scheme=scheme,
    )


def page_of(picture: str) -> str:
    """A page with nothing but a picture."""
    title = html.escape("Picture")
    return f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title></head><body><main><h1>{title}</h1>{picture}</main></body></html>'
