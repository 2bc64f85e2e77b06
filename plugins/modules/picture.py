# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: picture
short_description: Draw the declared architecture
version_added: 1.0.0
author:
  - pgdr.barman contributors (@pgdr)
description:
  - Draws the architecture of the inventory, and writes it as SVG to a file on the controller.
  - Zones are boxes. PostgreSQL servers, standbys, members of clusters, backup servers, and the targets of exports and snapshots are in them. Arrows show
    the data, by protocol and direction.
  - A host without a backup, without a second copy, or in the same zone as everything that it backs up has a second colour and a symbol.
  - More than 12 PostgreSQL servers are drawn in groups of the same architecture.
  - The picture follows the reader's light or dark setting, and has a text for screen readers. It loads nothing.
  - The module replaces a file only if the collection wrote it.
  - Runs on the controller and connects to no host. Use C(run_once).
requirements:
  - Graphviz (C(dot)) on the controller
extends_documentation_fragment:
  - pgdr.barman._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - The diff has the text for screen readers, a sentence for each host and each arrow.
  idempotent:
    support: full
  platform:
    support: full
options:
  file:
    description: The path of the file. Its directory must exist. The file's mode is 0640.
    type: path
    required: true
  title:
    description: The title of the picture.
    type: str
    default: Backups of PostgreSQL
  theme:
    description: The colours. V(auto) follows the reader's setting.
    type: str
    choices: [auto, light, dark]
    default: auto
  registered:
    description: The name of the variable that has the result of M(pgdr.barman.topology).
    type: str
    default: barman_topology
seealso:
  - module: pgdr.barman.topology
"""

EXAMPLES = r"""
- name: Resolve the topology
  pgdr.barman.topology:
  run_once: true
  register: barman_topology

- name: Draw the architecture
  pgdr.barman.picture:
    file: architecture.svg
  run_once: true
"""

RETURN = r"""
file:
  description: The path of the file.
  returned: success
  type: str
  sample: /home/dba/architecture.svg
description:
  description: The picture in words, a sentence for each host and each arrow.
  returned: success
  type: str
  sample: >-
    PostgreSQL server pg in zone eu: PostgreSQL 17; a single point of failure: no second copy. Backup server backup in zone us: backs up 1 server.
    From pg to backup: base backup, pg_basebackup. From pg to backup: WAL, streamed.
"""
