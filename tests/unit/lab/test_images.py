# Copyright (c) 2026, pgdr.barman contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from tests.lab import images
from tests.lab.host import LabError

DEB822 = """Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
"""
ONE_LINE = "# deb http://old.example/debian x main\ndeb [arch=amd64 signed-by=/k.gpg] https://mirror.example/debian/ bookworm main\n"
SECURITY = "URIs: http://mirror.example/debian-security\n"
FOREIGN = "deb https://apt.postgresql.org/pub/repos/apt bookworm-pgdg main\n"


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        ([DEB822], "http://mirror.example/debian"),
        ([ONE_LINE], "https://mirror.example/debian"),
        ([SECURITY, FOREIGN, DEB822], "http://mirror.example/debian"),
        ([SECURITY, FOREIGN], images.MIRROR),
        ([], images.MIRROR),
    ],
)
def test_the_hosts_mirror(sources, mirror):
    assert images.mirror_from(sources) == mirror


def test_the_hosts_apt_settings():
    dump = (
        'APT::Architecture "amd64";\n'
        'Acquire::http::Proxy "http://proxy:3128/";\n'
        'Acquire::http::Proxy::local.example "DIRECT";\n'
        'Acquire::https "";\n'
        'Acquire::Check-Date "false";\n'
        'Acquire::Languages "none";\n'
    )
    kept = images.host_apt_settings(dump, {"http_proxy": "http://other:1/"})
    assert kept == (
        'Acquire::http::Proxy "http://proxy:3128/";\nAcquire::http::Proxy::local.example "DIRECT";\nAcquire::Check-Date "false";\n'
    )


def test_the_environments_proxies():
    environment = {"https_proxy": "http://proxy:1/", "ftp_proxy": "http://proxy:2/"}
    assert images.host_apt_settings("", environment) == 'Acquire::https::Proxy "http://proxy:1/";\n'


def test_another_recipe_is_another_image():
    assert images.recipe_hash("a", "sid") != images.recipe_hash("b", "sid")
    assert images.recipe_hash("a", "sid") != images.recipe_hash("a", "debian13")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """An image cache in which building costs nothing; returns the images that were built."""
    monkeypatch.setattr(images, "CACHE", tmp_path)
    built = []

    def build(image, path):
        built.append(image)
        (path / "root/etc").mkdir(parents=True)
        (path / "root/etc/hosts").write_text("127.0.0.1 localhost\n")
        images.write_marker(path, {})

    monkeypatch.setattr(images, "_build", build)
    return built


def test_an_image_is_built_once(lab):
    root = images.ensure("sid")
    assert root.name == "root"
    assert images.ensure("sid") == root
    assert lab == ["sid"]


def lose_a_file(path):
    (path / "root/etc/hosts").unlink()


def cut_a_file_short(path):
    (path / "root/etc/hosts").write_text("127")


def lose_the_marker(path):
    (path / "complete.json").unlink()


def empty_the_marker(path):
    (path / "complete.json").write_text("")


def wrong_marker(path):
    (path / "complete.json").write_text("[]")


@pytest.mark.parametrize("harm", [lose_a_file, cut_a_file_short, lose_the_marker, empty_the_marker, wrong_marker])
def test_a_damaged_image_is_built_anew(lab, harm):
    path = images.ensure("sid").parent
    harm(path)
    assert images.damage(path) is not None
    images.ensure("sid")
    assert lab == ["sid", "sid"]
    assert images.damage(path) is None


def test_a_damaged_image_under_a_machine_is_left_alone(lab):
    path = images.ensure("sid").parent
    lose_a_file(path)
    with pytest.raises(LabError, match="machines stand on it"):
        images.ensure("sid", claimed={str(path)}, standing={str(path)})
    assert lab == ["sid"]


def test_building_takes_away_half_built_and_former_images_but_none_that_a_machine_has(lab, tmp_path):
    for name in (".build-sid-1", "sid-former", "sid-claimed", "debian13-other"):
        (tmp_path / name / "root").mkdir(parents=True)
    images.ensure("sid", claimed={str(tmp_path / "sid-claimed")})
    left = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert left == {"sid-claimed", "debian13-other", images.directory("sid").name}
