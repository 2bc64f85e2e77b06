# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups that Barman has encrypted with GnuPG: the keys that they need, and the passphrases that the agent keeps.

This module util is private to the collection. Source: doc/DETAILS of GnuPG for the status lines, barman/encryption.py for the names of the files.
"""

from __future__ import annotations

import os

from .._host.files import names_in
from .._host.process import Command, HostError, Runner
from .catalog import Backup

_SUFFIX = ".gpg"
_RECIPIENT = "[GNUPG:] ENC_TO "


def missing_key_problem(backup: Backup, basebackups: str, user: str, runner: Runner) -> str | None:
    """Why Barman's user can't decrypt the backup; None if it has the secret key, or if the backup is not encrypted. Raises HostError."""
    if not backup.encryption:
        return None
    directory = os.path.join(basebackups, backup.backup_id, "data")
    files = sorted(name for name in names_in(directory) if name.endswith(_SUFFIX))
    if not files:
        return None
    keys = recipients(os.path.join(directory, files[0]), user, runner)
    if not keys or any(has_secret_key(key, user, runner) for key in keys):
        return None
    return (
        f"backup {backup.backup_id} is encrypted, and '{user}' on this host has no secret key for it ({', '.join(keys)}). Import the key as "
        f"'{user}', with gpg --import, from where you keep it"
    )


def recipients(path: str, user: str, runner: Runner) -> list[str]:
    """The ids of the keys with any of which the file can be decrypted. Raises HostError if gpg can't be run."""
    completed = runner(
        Command(["gpg", "--batch", "--status-fd=1", "--list-only", "--decrypt", path], user=user, timeout=60)
    )
    lines = [line for line in completed.stdout.splitlines() if line.startswith(_RECIPIENT)]
    return [line[len(_RECIPIENT) :].split()[0] for line in lines]


def has_secret_key(key: str, user: str, runner: Runner) -> bool:
    """Whether the user's keyring has the key. Raises HostError if gpg can't be run."""
    return runner(Command(["gpg", "--batch", "--list-secret-keys", key], user=user, timeout=60)).ok


def forget_passphrases(user: str, runner: Runner) -> None:
    """Let the user's gpg-agent forget the passphrases that it keeps. Raises HostError.

    Otherwise a backup would be decrypted without encryption_passphrase_command, which may give a wrong passphrase, or none.
    """
    completed = runner(Command(["gpgconf", "--reload", "gpg-agent"], user=user, timeout=60))
    if not completed.ok:
        raise HostError(
            f"the gpg-agent of '{user}' keeps passphrases, so a restore would not prove that the passphrase is known: gpgconf --reload gpg-agent "
            f"ended with status {completed.rc}: {completed.text}"
        )
