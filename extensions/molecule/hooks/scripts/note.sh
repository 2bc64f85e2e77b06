#!/bin/sh
# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Notes which hook ran of which server.
set -eu
printf '%s_%s %s\n' "$BARMAN_PHASE" "$BARMAN_HOOK" "$BARMAN_SERVER" >>"$1"
