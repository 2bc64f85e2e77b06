# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find every use of our modules, roles and playbooks in YAML, and hold it against their argument specifications.

Neither ansible-test nor antsibull-docs looks at the options in an example, and ansible-lint only warns.
"""

from __future__ import annotations

import contextlib
import copy
import importlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest import mock

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from tests.tools.stage import REPOSITORY, environment

COLLECTION = "pgdr.barman"
TEMPLATE = re.compile(r"\{\{|\{%")
SPEC_KEYS = ("type", "elements", "default", "required", "choices", "aliases", "no_log")
CONSTRAINTS = ("mutually_exclusive", "required_together", "required_one_of", "required_if", "required_by")
ROLE_CALLS = ("include_role", "import_role", "ansible.builtin.include_role", "ansible.builtin.import_role")
PLAYBOOK_CALLS = ("import_playbook", "ansible.builtin.import_playbook")
ROLE_KEYWORDS = {"role", "name", "vars", "tags", "when", "become", "become_user", "environment", "delegate_to"}

Spec = dict[str, Any]


class Loader(yaml.SafeLoader):
    """Plain YAML in which !vault, !unsafe and the like are only strings."""


def _untagged(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.ScalarNode)
    return loader.construct_scalar(node)


Loader.add_multi_constructor("!", _untagged)


@dataclass
class Catalog:
    """What the collection offers, each with its arguments."""

    modules: dict[str, Spec] = field(default_factory=dict)
    """Fully qualified name -> argument_spec and the constraints between arguments."""
    roles: dict[str, dict[str, Spec]] = field(default_factory=dict)
    """Fully qualified name -> entry point -> options."""
    playbooks: set[str] = field(default_factory=set)
    action_groups: dict[str, list[str]] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    """Variables of the inventory, the roles and the playbooks; empty: they are not checked."""


@dataclass(frozen=True)
class Snippet:
    """A piece of YAML, and where it stands."""

    where: str
    text: str


# What there is


def documentation() -> dict[str, Any]:
    """All that ansible-doc knows of the collection: plugin type -> name -> documentation."""
    done = subprocess.run(
        ["ansible-doc", "--metadata-dump", COLLECTION],
        cwd=REPOSITORY,
        env=environment(),
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    everything: dict[str, Any] = json.loads(done.stdout)["all"]
    return everything


def spec_from_options(options: Mapping[str, Any]) -> Spec:
    """Documented options as an argument spec."""
    spec: Spec = {}
    for name, option in options.items():
        spec[name] = {key: option[key] for key in SPEC_KEYS if key in option}
        if spec[name].get("required"):
            spec[name].pop("default", None)
        suboptions = option.get("suboptions") or option.get("options")
        if suboptions:
            spec[name]["options"] = spec_from_options(suboptions)
    return spec


class _Captured(Exception):
    pass


def spec_from_module(name: str) -> Spec | None:
    """The arguments that a module's main() gives to AnsibleModule; None if it is documentation only."""
    module = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.modules.{name}")
    if not hasattr(module, "main"):
        return None
    skeleton = importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.module_utils._module")
    patched = mock.patch.object(skeleton, "AnsibleModule", side_effect=_Captured)
    with patched as factory, contextlib.suppress(_Captured):
        module.main()
    positional, named = factory.call_args
    arguments: Spec = {**dict(zip(("argument_spec",), positional, strict=False)), **named}
    return {key: arguments[key] for key in ("argument_spec", *CONSTRAINTS) if arguments.get(key)}


def playbook_names() -> set[str]:
    return {f"{COLLECTION}.{path.stem}" for path in playbook_files()}


def playbook_files() -> list[Path]:
    """The playbooks, without what they declare of themselves (*.meta.yml)."""
    return [path for path in sorted((REPOSITORY / "playbooks").glob("*.yml")) if not path.stem.endswith(".meta")]


def module_names() -> list[str]:
    modules = (REPOSITORY / "plugins" / "modules").glob("*.py")
    return sorted(path.stem for path in modules if path.stem != "__init__")


def filter_names() -> list[str]:
    return sorted(path.stem for path in (REPOSITORY / "plugins" / "filter").glob("*.py"))


def role_names() -> list[str]:
    return sorted(path.name for path in (REPOSITORY / "roles").glob("*") if (path / "meta").is_dir())


def catalog(docs: Mapping[str, Any]) -> Catalog:
    found = Catalog(playbooks=playbook_names())
    for name in module_names():
        full = f"{COLLECTION}.{name}"
        documented = docs.get("module", {}).get(full, {}).get("doc", {})
        found.modules[full] = spec_from_module(name) or {
            "argument_spec": spec_from_options(documented.get("options", {}))
        }
    for name in role_names():
        entry_points = docs.get("role", {}).get(f"{COLLECTION}.{name}", {}).get("entry_points", {})
        found.roles[f"{COLLECTION}.{name}"] = {
            entry: spec_from_options(point.get("options", {})) for entry, point in entry_points.items()
        }
    runtime = yaml.safe_load((REPOSITORY / "meta" / "runtime.yml").read_text())
    for group, members in runtime.get("action_groups", {}).items():
        found.action_groups[f"{COLLECTION}.{group}"] = [f"{COLLECTION}.{member}" for member in members]
    found.variables = known_variables(found)
    return found


def inventory_variables() -> Mapping[str, Any]:
    """The table of the inventory's variables, by name."""
    found: Mapping[str, Any] = plugin_util("_topology.variables").KNOWN_VARIABLES
    return found


def playbook_meta(playbook: str) -> dict[str, Any]:
    """What a playbook of the collection declares of itself."""
    found: dict[str, Any] = plugin_util("playbook_meta").meta(playbook)
    return found


def plugin_util(name: str) -> ModuleType:
    """A module of the collection's plugin_utils. Where Ansible finds the collection, Python does too."""
    collections = str(REPOSITORY / ".cache" / "collections")
    if collections not in sys.path:
        sys.path.append(collections)
    return importlib.import_module(f"ansible_collections.{COLLECTION}.plugins.plugin_utils.{name}")


def known_variables(found: Catalog) -> set[str]:
    """The inventory contract's, the roles', and what a playbook reads."""
    options = {name for entries in found.roles.values() for spec in entries.values() for name in spec}
    playbooks = [path.read_text() for path in (REPOSITORY / "playbooks").glob("**/*.*")]
    declared = {
        name
        for path in (REPOSITORY / "playbooks").glob("*.meta.yml")
        for spec in yaml.safe_load(path.read_text())["argument_specs"].values()
        for name in spec["options"]
    }
    # A name with a colon behind it is set there, not read.
    read = {name for text in playbooks for name in re.findall(r"\bbarman_\w+\b(?!:)", text)}
    return {*inventory_variables(), *options, *declared, *read}


# What is written


def markdown_blocks(path: Path, languages: tuple[str, ...]) -> Iterator[Snippet]:
    """The fenced code blocks of a Markdown page in one of these languages."""
    fence = re.compile(
        r"^(?P<indent> *)(?P<ticks>```+)(?P<language>[\w+-]*)[^\n]*\n(?P<text>.*?)^ *(?P=ticks) *$", re.M | re.S
    )
    text = path.read_text()
    for block in fence.finditer(text):
        if block["language"] in languages:
            line = text.count("\n", 0, block.start()) + 1
            lines = (row.removeprefix(block["indent"]) for row in block["text"].splitlines(keepends=True))
            yield Snippet(f"{relative(path)}:{line}", "".join(lines))


def relative(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))


def markdown_pages() -> list[Path]:
    return [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("**/*.md"))]


def yaml_files() -> list[Path]:
    """Playbooks, task files, scenarios, and the plays of tests."""
    return [
        path
        for folder in ("playbooks", "roles", "extensions", "tests")
        for path in sorted((REPOSITORY / folder).glob("**/*.yml"))
        if path.parts[-2] not in ("meta", "defaults") and "unit" not in path.parts
    ]


# Holding one against the other


def is_templated(value: object) -> bool:
    return isinstance(value, str) and TEMPLATE.search(value) is not None


def without_templates(spec: Spec, values: Mapping[str, Any]) -> tuple[Spec, dict[str, Any]]:
    """Only the name of a templated value can be checked: relax the specification for it."""
    relaxed: Spec = copy.deepcopy(dict(spec))
    kept: dict[str, Any] = {}
    by_alias = {alias: name for name, option in spec.items() for alias in option.get("aliases") or ()}
    for given, value in values.items():
        name = by_alias.get(given, given)
        option = relaxed.get(name)
        if option is None:
            kept[given] = value
        elif is_templated(value):
            relaxed[name] = {key: option[key] for key in ("required", "aliases", "no_log") if key in option}
            relaxed[name]["type"] = "raw"
            kept[given] = value
        elif "options" in option and isinstance(value, dict):
            option["options"], kept[given] = without_templates(option["options"], value)
        elif "options" in option and isinstance(value, list):
            kept[given] = []
            for item in value:
                if isinstance(item, dict):
                    option["options"], item = without_templates(option["options"], item)
                if not is_templated(item):
                    kept[given].append(item)
        elif isinstance(value, list):
            kept[given] = [item for item in value if not is_templated(item)]
        else:
            kept[given] = value
    return relaxed, kept


def argument_problems(spec: Spec, values: object) -> list[str]:
    """What AnsibleModule would say to these arguments."""
    if values is None:
        values = {}
    if is_templated(values):
        return []
    if not isinstance(values, dict):
        return [f"arguments must be a dictionary, not {values!r}"]
    relaxed, kept = without_templates(spec.get("argument_spec", {}), values)
    constraints = {key: spec[key] for key in CONSTRAINTS if spec.get(key)}
    return list(ArgumentSpecValidator(relaxed, **constraints).validate(kept).error_messages)


def role_problems(offered: Catalog, role: str, entry: str, values: object, *, complete: bool) -> list[str]:
    """Whether the variables given to a role are its own; `complete`: required ones have to be among them."""
    if role not in offered.roles:
        return [f"there is no role {role}"]
    entries = offered.roles[role]
    # Which one it is turns out later, so that each one's variables are right.
    options = (
        {k: v for spec in entries.values() for k, v in spec.items()} if is_templated(entry) else entries.get(entry)
    )
    if options is None:
        return [f"role {role} has no entry point {entry} in its argument specification"]
    if not isinstance(values, dict):
        return []
    # Inventory variables beside the role's own are nobody's mistake.
    prefix = f"{role.rsplit('.', 1)[1]}_"
    ours = {name: value for name, value in values.items() if name.startswith(prefix) or name in options}
    if not complete:
        options = {name: {**option, "required": False} for name, option in options.items()}
    return argument_problems({"argument_spec": options}, ours)


def problems(offered: Catalog, tree: object) -> Iterator[str]:
    """All that is wrong with the uses of our modules, roles and playbooks anywhere in parsed YAML."""
    if isinstance(tree, list):
        for item in tree:
            yield from problems(offered, item)
    if not isinstance(tree, dict):
        return
    for key, value in tree.items():
        if key in ROLE_CALLS and isinstance(value, dict):
            role = str(value.get("name", ""))
            if role.startswith(f"{COLLECTION}."):
                entry = str(value.get("tasks_from", "main")).removesuffix(".yml")
                yield from labelled(role, role_problems(offered, role, entry, tree.get("vars"), complete=False))
        elif key == "role" and str(value).startswith(f"{COLLECTION}."):
            given = {**(tree.get("vars") or {}), **{k: v for k, v in tree.items() if k not in ROLE_KEYWORDS}}
            yield from labelled(str(value), role_problems(offered, str(value), "main", given, complete=False))
        elif key == "roles" and isinstance(value, list):
            for role in value:
                if isinstance(role, str) and role.startswith(f"{COLLECTION}.") and role not in offered.roles:
                    yield f"there is no role {role}"
        elif key in PLAYBOOK_CALLS and str(value).startswith(f"{COLLECTION}.") and value not in offered.playbooks:
            yield f"there is no playbook {value}"
        elif key == "module_defaults" and isinstance(value, dict):
            yield from default_problems(offered, value)
            continue
        elif isinstance(key, str) and key.startswith(f"{COLLECTION}."):
            if key not in offered.modules:
                yield f"there is no module {key}"
            else:
                yield from labelled(key, argument_problems(offered.modules[key], value))
        yield from problems(offered, value)


def unknown_variables(offered: Catalog, tree: object) -> Iterator[str]:
    """Variables with one of our prefixes that nothing of ours reads, wherever variables are set."""
    if isinstance(tree, list):
        for item in tree:
            yield from unknown_variables(offered, item)
    if not isinstance(tree, dict):
        return
    prefixes = ("barman_", *(f"{role.rsplit('.', 1)[1]}_" for role in offered.roles))
    for key, value in tree.items():
        # The arguments of a module are its own names.
        if not isinstance(key, str) or "." in key or key == "module_defaults":
            continue
        if key.startswith(prefixes) and key not in offered.variables:
            yield f"nothing reads the variable {key}"
            continue
        yield from unknown_variables(offered, value if not key.startswith(prefixes) else None)


def default_problems(offered: Catalog, defaults: Mapping[str, Any]) -> Iterator[str]:
    for target, values in defaults.items():
        group = target.removeprefix("group/")
        if not group.startswith(f"{COLLECTION}."):
            continue
        members = offered.action_groups.get(group, []) if target != group else [group]
        if not members:
            yield f"there is no action group {group}"
        for member in members:
            if member not in offered.modules:
                yield f"there is no module {member}"
                continue
            options = offered.modules[member].get("argument_spec", {})
            optional = {name: {**option, "required": False} for name, option in options.items()}
            yield from labelled(f"{target} for {member}", argument_problems({"argument_spec": optional}, values))


def labelled(label: str, found: list[str]) -> Iterator[str]:
    return (f"{label}: {problem}" for problem in found)


def snippet_problems(offered: Catalog, snippet: Snippet) -> list[str]:
    try:
        documents = list(yaml.load_all(snippet.text, Loader))
    except yaml.YAMLError as error:
        return [f"{snippet.where}: is not YAML: {error}"]
    found = [problem for document in documents for problem in problems(offered, document)]
    if offered.variables:
        found += [problem for document in documents for problem in unknown_variables(offered, document)]
    return [f"{snippet.where}: {problem}" for problem in found]


def extra_variables(text: str) -> set[str]:
    """Variables that a command line in a text gives by -e."""
    return set(re.findall(r"(?:-e|--extra-vars)[ =]+[\"']?(barman_\w+)=", text))


def playbook_mentions(text: str) -> set[str]:
    """Playbooks that a command line in a text runs by name."""
    pattern = rf"ansible-playbook[^\n`]*?\s({re.escape(COLLECTION)}\.\w+)"
    return set(re.findall(pattern, text.replace("\\\n", " ")))
