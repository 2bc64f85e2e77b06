# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a restored directory is proven: noted in the marker that pgdr.barman.recover leaves in it.

This module util is private to the collection. A proof changes the directory: WAL is replayed into it. One whose proof
failed, or never ended, is therefore not used again.
"""

from __future__ import annotations

import json
from typing import Literal

from .._host.files import read_text, write_atomic
from .._host.identity import acting_as

PROOF = "proof"
ProofState = Literal["unproven", "proven"]
UNPROVEN: ProofState = "unproven"
PROVEN: ProofState = "proven"


def note_proof(marker: str, owner: str, state: ProofState) -> None:
    """Note the state in the marker; a directory without one was not restored by pgdr.barman.recover. Raises HostError.

    owner: whose directory it is. Root does not write there itself.
    """
    with acting_as(owner):
        text = read_text(marker)
        try:
            content = json.loads(text) if text else None
        except ValueError:
            return
        if isinstance(content, dict):
            write_atomic(marker, json.dumps({**content, PROOF: state}, sort_keys=True) + "\n", 0o600)
