# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's configuration of the documentation site (`make docs`). Sphinx reads the names below."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from tests.tools import examples
from tests.tools.stage import collection_metadata

project = examples.COLLECTION
author = copyright = "pgdr.barman contributors"
release = version = collection_metadata()["version"]
language = "en"

extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
root_doc = "index"
exclude_patterns = ["_build"]

# Every link leads somewhere: a file, a heading, an option of a module.
nitpicky = True
myst_heading_anchors = 4
myst_links_external_new_tab = False

html_theme = "furo"
html_title = f"{project} {release}"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# The pages are the same on every machine and on every day.
html_last_updated_fmt = None

_ANSIBLE = "https://docs.ansible.com/projects/ansible/latest"
_FOREIGN = re.compile(
    r"ansible_collections\.(?P<namespace>\w+)\.(?P<name>\w+)\.(?P<page>\w+_(?:module|filter|role|lookup))"
)
_GUIDES = {
    "common_return_values": f"{_ANSIBLE}/reference_appendices/common_return_values.html",
    "action_plugins": f"{_ANSIBLE}/plugins/action.html",
    "ansible_configuration_settings": f"{_ANSIBLE}/reference_appendices/config.html",
}
"""Labels of Ansible's own documentation that antsibull-docs uses."""


def mark_variables(app: Sphinx, doctree: nodes.document) -> None:
    """Each row of the tables of the inventory's variables becomes a target."""
    if app.env.docname != "docs/inventory":
        return
    domain = app.env.domains.standard_domain
    for row in doctree.findall(nodes.row):
        name = row[0].astext()
        if name in examples.inventory_variables():
            identifier = nodes.make_id(f"variable-{name}")
            row["ids"].append(identifier)
            domain.anonlabels[_variable(name)] = (app.env.docname, identifier)


def _variable(name: str) -> str:
    """The label of a variable of the inventory."""
    return f"variable-{name.replace('_', '-')}"


def link_names(app: Sphinx, doctree: nodes.document) -> None:
    """The name of a playbook, a module, a filter or a variable in backticks becomes a link to the reference; playbooks come first."""
    if app.env.docname.startswith("reference/"):
        return
    kinds = dict.fromkeys(examples.filter_names(), "filter") | dict.fromkeys(examples.module_names(), "module")
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext()
        short = name.removeprefix(f"{project}.")
        if isinstance(literal.parent, (nodes.title, nodes.reference, addnodes.pending_xref)):
            continue
        attributes: dict[str, Any]
        if name in examples.playbook_names():
            attributes = {"refdomain": "doc", "reftype": "myst", "reftarget": "docs/reference/playbooks"}
            attributes["reftargetid"] = name.replace(".", "")
        elif name in examples.inventory_variables() and app.env.docname != "docs/inventory":
            attributes = {"refdomain": "std", "reftype": "ref", "reftarget": _variable(name)}
        elif short in kinds and short != name:
            label = f"ansible_collections.{name}_{kinds[short]}"
            attributes = {"refdomain": "std", "reftype": "ref", "reftarget": label}
        else:
            continue
        link = addnodes.pending_xref("", refexplicit=True, refwarn=True, refdoc=app.env.docname, **attributes)
        literal.replace_self(link)
        link += literal


def remove_contents(app: Sphinx, doctree: nodes.document) -> None:
    """The theme shows each page's headings beside it, and refuses a second list in the page."""
    for topic in list(doctree.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)


def link_foreign(
    app: Sphinx, env: Any, node: addnodes.pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """A plugin of another collection, or a page of Ansible, is on Ansible's site."""
    target = node.get("reftarget", "")
    found = _FOREIGN.fullmatch(target)
    if found and f"{found['namespace']}.{found['name']}" != project:
        address = f"{_ANSIBLE}/collections/{found['namespace']}/{found['name']}/{found['page']}.html"
    elif target in _GUIDES:
        address = _GUIDES[target]
    else:
        return None
    return nodes.reference("", "", content, internal=False, refuri=address)


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", mark_variables)
    app.connect("doctree-read", link_names)
    app.connect("doctree-read", remove_contents)
    app.connect("missing-reference", link_foreign)
