#!/bin/sh
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
#
# adopt.sh REPOSITORY MACHINES: what docs/molecule.md tells the owner of a repository to do, with machines that exist.
set -eu
cd "$1"
mkdir molecule
cp -r "$ANSIBLE_COLLECTIONS_PATH/ansible_collections/pgdr/barman/extensions/adopt/templates/barman" molecule/

# Nothing of the surrounding scenario's configuration reaches this one.
molecule() {
    env -i PATH="$PATH" HOME="$HOME" LC_ALL=C.UTF-8 ANSIBLE_COLLECTIONS_PATH="$ANSIBLE_COLLECTIONS_PATH" molecule "$1" --scenario-name barman
}

# The kit's own machines are Podman's.
molecule syntax
cp "$2" molecule/barman/machines.yml
molecule test
