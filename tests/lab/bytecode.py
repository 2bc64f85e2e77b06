# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keep what Python compiles of the modules that Ansible sends. Installed in the lab's machines; a file `.pth` imports it when Python starts.

A module arrives as an archive of sources, and Python compiles each of them twice at every run: half of a module's CPU time. The compiled
code is kept by the source's hash in a directory that all machines share, so that no other code runs than the one that was sent.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
import zipimport

# Every start of Python pays for what is imported here: nothing but what is there already.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

DIRECTORY = "/var/cache/pgdr-lab-bytecode"


def path_of(source: bytes) -> str:
    """Where the compiled code of a source is, for this Python."""
    import hashlib

    return f"{DIRECTORY}/{sys.implementation.cache_tag}-{sys.flags.optimize}-{hashlib.sha256(source).hexdigest()}"


def compile_source(name: str, source: bytes) -> CodeType:
    """What zipimport's own function of this name returns."""
    global last
    # Finding a module compiles it, and so does running it right afterwards.
    if last is not None and last[:2] == (name, source):
        return last[2]
    path = path_of(source)
    try:
        with open(path, "rb") as stream:
            code: CodeType = marshal.loads(stream.read())
        # The archive has another name each time; tracebacks show it.
        _imp._fix_co_filename(code, name)  # type: ignore[attr-defined]
    except (OSError, EOFError, ValueError, TypeError):
        code = original(name, source)
        keep(path, code)
    last = (name, source, code)
    return code


def keep(path: str, code: CodeType) -> None:
    """Write the code; whoever reads sees all of it or nothing. A directory that is missing or full is no reason to fail."""
    temporary = f"{path}.{os.urandom(8).hex()}"
    try:
        with open(temporary, "wb") as stream:
            stream.write(marshal.dumps(code))
        os.chmod(temporary, 0o644)
        os.rename(temporary, path)
    except OSError:
        return


def install() -> None:
    """Make zipimport use what is kept."""
    zipimport._compile_source = compile_source  # type: ignore[attr-defined]


last: tuple[str, bytes, CodeType] | None = None
original = zipimport._compile_source  # type: ignore[attr-defined]
