"""Settings: who wins, where each value came from, and where none are taken from."""

from __future__ import annotations

import stat
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st

from opskit.core.errors import ConfigError, DataError
from opskit.outside.config import Config, Settings, load


@pytest.fixture
def root(tmp_path: Path) -> Path:
    directory = tmp_path / "ops"
    directory.mkdir(mode=0o755)
    (directory / "opskit.yaml").write_text("timezone: Europe/Berlin\nforks: 5\n")
    return directory


def loaded(root: Path, **environment: str) -> Config:
    return load(None, environment, root)


# Who wins


def test_what_nobody_set_is_the_default(root: Path) -> None:
    config = loaded(root)
    assert config.settings.standard == Settings().standard == "playbooks/baseline.yml"
    assert config.origins["standard"] == "default"


def test_the_file_wins_over_the_default(root: Path) -> None:
    config = loaded(root)
    assert config.settings.timezone == "Europe/Berlin"
    assert config.zone == ZoneInfo("Europe/Berlin")
    assert config.origins["timezone"] == "opskit.yaml"


def test_the_environment_wins_over_the_file(root: Path) -> None:
    config = loaded(root, OPSKIT_TIMEZONE="Asia/Tokyo", OPSKIT_STANDARD="site.yml")
    assert (config.settings.timezone, config.settings.standard) == ("Asia/Tokyo", "site.yml")
    assert config.origins["timezone"] == "environment OPSKIT_TIMEZONE"
    assert config.origins["standard"] == "environment OPSKIT_STANDARD"
    assert (config.settings.forks, config.origins["forks"]) == (5, "opskit.yaml")


def test_a_flag_wins_over_the_environment(root: Path) -> None:
    config = loaded(root, OPSKIT_TIMEZONE="Asia/Tokyo").overridden(
        timezone="America/Lima", standard=None, forks=0
    )
    assert config.settings.timezone == "America/Lima"
    assert config.origins["timezone"] == "command line"
    # A flag that was not given changes nothing.
    assert (config.settings.forks, config.origins["forks"]) == (5, "opskit.yaml")
    assert config.origins["standard"] == "default"


def test_every_setting_has_an_origin(root: Path) -> None:
    assert loaded(root, OPSKIT_FORKS="7").origins.keys() == Settings.model_fields.keys()


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("forks", "7", 7),
        ("forks", "0", 0),
        ("inventory", "a.ini:b.yml", ("a.ini", "b.yml")),
        ("inventory", "a.ini", ("a.ini",)),
        ("database", "postgresql+psycopg://ops@db/ops", "postgresql+psycopg://ops@db/ops"),
        ("services", "NO", "NO"),
        ("standard", "5", "5"),
    ],
)
def test_a_variable_is_read_as_its_setting_is(
    root: Path, name: str, text: str, value: object
) -> None:
    config = loaded(root, **{f"OPSKIT_{name.upper()}": text})
    assert getattr(config.settings, name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("forks", "many"),
        ("forks", ""),
        ("forks", "-1"),
        ("forks", "501"),
        ("forks", "1.5"),
        ("forks", " 5"),
        ("forks", "\u00b2"),
        ("forks", "\u0663"),
        ("forks", "9" * 5_000),
        ("timezone", "Mars/Olympus"),
        ("timezone", ""),
        ("timezone", "../../../etc/passwd"),
        ("timezone", "/etc/localtime"),
        ("timezone", "Europe"),
        ("webhook", "https://hooks.example/"),
    ],
)
def test_a_wrong_variable_is_named(root: Path, name: str, text: str) -> None:
    with pytest.raises(DataError, match="an OPSKIT_ environment variable is wrong") as caught:
        loaded(root, **{f"OPSKIT_{name.upper()}": text})
    (finding,) = caught.value.findings
    assert finding.subject == name


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10))
def test_any_text_in_a_variable_is_a_setting_or_a_finding(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    root = tmp_path_factory.getbasetemp() / "any-variable"
    root.mkdir(exist_ok=True, mode=0o755)
    (root / "opskit.yaml").touch()
    for name in ("FORKS", "TIMEZONE", "INVENTORY", "STANDARD"):
        try:
            config = loaded(root, **{f"OPSKIT_{name}": text})
        except DataError as error:
            assert [found.subject for found in error.findings] == [name.lower()]  # noqa: PT017  # either way
        else:
            assert config.origins[name.lower()] == f"environment OPSKIT_{name}"


def test_variables_of_others_are_left_alone(root: Path) -> None:
    config = loaded(root, OPSKIT_NO_SUCH_SETTING="x", ZONE="x", TIMEZONE="x")
    assert config.origins["timezone"] == "opskit.yaml"


@pytest.mark.parametrize(
    "zone", ["Mars/Olympus", "", "CEST+1", "/etc/localtime", "..", "europe berlin"]
)
def test_an_unknown_zone_is_a_mistake_in_the_file(root: Path, zone: str) -> None:
    (root / "opskit.yaml").write_text(f"forks: 1\ntimezone: {zone!r}\n")
    with pytest.raises(DataError) as caught:
        loaded(root)
    (finding,) = caught.value.findings
    assert str(finding.location) == "opskit.yaml:2:1"
    assert "is no IANA time zone; write one like Europe/Berlin or UTC" in finding.message


# Where it is found


def test_it_is_found_upward(root: Path) -> None:
    below = root / "playbooks" / "roles"
    below.mkdir(parents=True)
    assert loaded(below).root == root


def test_the_nearest_one_is_taken(root: Path) -> None:
    below = root / "staging"
    below.mkdir()
    (below / "opskit.yaml").write_text("timezone: Asia/Tokyo\n")
    assert loaded(below).settings.timezone == "Asia/Tokyo"


@pytest.mark.parametrize("kind", ["directory", "file of a worktree"])
def test_the_search_ends_at_the_repositorys_root(root: Path, kind: str) -> None:
    below = root / "checkout" / "docs"
    below.mkdir(parents=True)
    mark = root / "checkout" / ".git"
    if kind == "directory":
        mark.mkdir()
    else:
        mark.write_text("gitdir: /elsewhere\n")
    with pytest.raises(ConfigError, match=r"no opskit\.yaml in .*docs or above it") as caught:
        loaded(below)
    assert "opskit init" in caught.value.hint


def test_at_the_repositorys_root_itself_it_is_found(root: Path) -> None:
    (root / ".git").mkdir()
    (root / "docs").mkdir()
    assert loaded(root / "docs").root == root


def test_a_directory_of_that_name_is_no_settings_file(tmp_path: Path) -> None:
    (tmp_path / "opskit.yaml").mkdir()
    (tmp_path / ".git").mkdir()
    with pytest.raises(ConfigError, match=r"no opskit\.yaml in"):
        loaded(tmp_path)


@pytest.mark.parametrize("way", ["file", "directory", "variable", "variable directory"])
def test_it_may_be_named(root: Path, tmp_path: Path, way: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = root if "directory" in way else root / "opskit.yaml"
    named = None if "variable" in way else target
    environment = {"OPSKIT_CONFIG": str(target)} if "variable" in way else {}
    config = load(named, environment, elsewhere)
    assert (config.root, config.settings.forks) == (root, 5)


def test_the_flag_wins_over_the_variable(root: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("forks: 9\n")
    config = load(other, {"OPSKIT_CONFIG": str(root)}, root)
    assert config.settings.forks == 9


@pytest.mark.parametrize("name", ["missing.yaml", "missing/opskit.yaml", "empty"])
def test_what_is_named_and_not_there_is_one_line(root: Path, name: str) -> None:
    (root / "empty").mkdir()
    with pytest.raises(ConfigError, match=f"there is no .*{name.split('/', maxsplit=1)[0]}"):
        load(root / name, {}, root)


def test_mistakes_are_named_as_the_user_would_open_the_file(root: Path) -> None:
    (root / "opskit.yaml").write_text("forks: -1\n")
    (root / "below").mkdir()
    with pytest.raises(DataError) as from_here:
        loaded(root)
    with pytest.raises(DataError) as from_below:
        loaded(root / "below")
    assert str(from_here.value.findings[0].location) == "opskit.yaml:1:1"
    assert str(from_below.value.findings[0].location) == f"{root}/opskit.yaml:1:1"


# Where none are taken from


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_a_directory_that_others_can_write_is_refused(root: Path, mode: int) -> None:
    root.chmod(mode)
    for named in (None, root, root / "opskit.yaml"):
        with pytest.raises(ConfigError, match=f"is not used: others can write to {root}") as caught:
            load(named, {}, root)
        assert caught.value.hint == f"chmod o-w {root}"


@pytest.mark.parametrize("mode", [0o666, 0o646, 0o602])
def test_a_file_that_others_can_write_is_refused(root: Path, mode: int) -> None:
    (root / "opskit.yaml").chmod(mode)
    for named in (None, root / "opskit.yaml"):
        with pytest.raises(ConfigError, match="is not used: others can write to"):
            load(named, {}, root)


def test_a_link_does_not_hide_whose_directory_it_is(root: Path, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "opskit.yaml").write_text("forks: 9\n")
    shared.chmod(0o777)
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "opskit.yaml").symlink_to(shared / "opskit.yaml")
    with pytest.raises(ConfigError, match="others can write"):
        load(mine / "opskit.yaml", {}, root)
    with pytest.raises(ConfigError, match="others can write"):
        loaded(mine)


# What it leads to


def test_paths_are_relative_to_the_file(root: Path) -> None:
    config = loaded(root)
    assert config.path("services.yaml") == root / "services.yaml"
    assert config.path("/srv/services.yaml") == Path("/srv/services.yaml")


def test_state_is_kept_beside_the_file_privately_and_out_of_git(root: Path) -> None:
    directory = loaded(root).state_directory
    assert directory == root / ".opskit"
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert (directory / ".gitignore").read_text() == "*\n"


def test_a_database_path_becomes_a_private_sqlite_file(root: Path) -> None:
    url = loaded(root).database_url
    assert url == f"sqlite:///{root}/.opskit/opskit.db"
    assert stat.S_IMODE((root / ".opskit").stat().st_mode) == 0o700


def test_a_database_url_is_used_as_it_is(root: Path) -> None:
    url = "postgresql+psycopg://ops@db.example/ops"
    assert loaded(root, OPSKIT_DATABASE=url).database_url == url
    assert not (root / ".opskit").exists()


def test_settings_do_not_change_once_read(root: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        loaded(root).settings.forks = 9  # type: ignore[misc]  # that is the point
