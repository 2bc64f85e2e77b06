# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from typing import Any

from ansible_collections.pgdr.barman.plugins.plugin_utils import controller_file
from ansible_collections.pgdr.barman.plugins.plugin_utils._action import Action
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture import svg
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.architecture import draw
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.dot import dot
from ansible_collections.pgdr.barman.plugins.plugin_utils._picture.picture import described
from ansible_collections.pgdr.barman.plugins.plugin_utils.graphviz import rendered
from ansible_collections.pgdr.barman.plugins.plugin_utils.run_facts import topology_of


class ActionModule(Action):
    """Writes one file on the controller; connects to nothing."""

    ARGUMENTS = {
        "file": {"type": "path", "required": True},
        "title": {"type": "str", "default": "Backups of PostgreSQL"},
        "theme": {"type": "str", "choices": list(svg.THEMES), "default": "auto"},
        "registered": {"type": "str", "default": "barman_topology"},
    }

    def values(self, arguments: dict[str, Any], variables: dict[str, Any]) -> dict[str, Any]:
        topology = topology_of(arguments["registered"], variables)["topology"]
        path = os.path.abspath(arguments["file"])
        current = controller_file.current_text(path, svg.is_ours, "barman_picture_file")
        picture = draw(topology)
        description = described(picture)
        text = svg.themed(rendered(dot(picture)), arguments["title"], description, arguments["theme"])
        changed = text != current
        if changed and not self._task.check_mode:
            controller_file.write(path, text)
        return {
            "changed": changed,
            "file": path,
            "description": description,
            # The drawing itself is thousands of coordinates.
            "diff": {
                "before_header": path,
                "after_header": path,
                "before": svg.sentences(current or ""),
                "after": svg.sentences(text),
            },
        }
