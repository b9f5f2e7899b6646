"""`<home>/preferences.toml`: read without cost, wrong in one message, written without loss."""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runbook.commands import preferences
from runbook.commands.places import Home
from runbook.engine.errors import WrongUse
from runbook.views import Preferences

WHOLE = """\
# mine
schema = 1
theme = "light"   # the office is bright

[keys]
"failure.retry" = "f5"
"checkpoint.open" = "o,f9"
"""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def _write(home: Home, text: str) -> Path:
    home.root.mkdir(exist_ok=True)
    path = home.root / preferences.FILE
    path.write_bytes(text.encode())
    return path


def test_without_a_file_there_are_the_defaults(home: Home) -> None:
    assert preferences.read(home) == Preferences()


def test_a_file_gives_a_theme_and_keys(home: Home) -> None:
    _write(home, WHOLE)
    keys = {"failure.retry": "f5", "checkpoint.open": "o,f9"}
    assert preferences.read(home) == Preferences("light", keys)


def test_an_id_without_quotes_is_meant_all_the_same(home: Home) -> None:
    _write(home, '[keys]\nfailure.retry = "f5"\nshare.none-left = "x,f6"\n')
    assert preferences.read(home).keys == {"failure.retry": "f5", "share.none-left": "x,f6"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('theme = "neon"\n', "line 1: theme: is not a theme: dark, light, high-contrast, monochrome are"),
        ("theme = []\n", "line 1: theme: is not a theme"),
        ("schema = 2\n", "line 1: schema: must be 1"),
        ('\ncolour = "red"\n', "line 2: colour: is not a known key: schema, theme and [keys] are"),
        ("keys = 1\n", "line 1: keys: must be a table: [keys]"),
        ('[keys]\n"failur.retry" = "f5"\n', "line 2: keys.failur.retry: is not an action of the screens (did you mean"),
        ('[keys]\n"failure.retry" = 5\n', "line 2: keys.failure.retry: must be a key in quotes"),
        ('[keys]\n"failure.retry" = "F5"\n', "line 2: keys.failure.retry: is not a key that terminals send (did you"),
        ('[keys]\n"failure.retry" = "s"\n', "line 2: keys.failure.retry: is on the key of failure.sign-in (s)"),
        ('[keys]\n"run.note" = "f5,"\n', "line 2: keys.run.note: has a comma with no key beside it"),
        ('[keys]\n"share.call" = "c"\n', "line 2: keys.share.call: would not be heard while something is typed"),
        ('theme = "dark\n', "line 1: not valid TOML"),
        ("theme = 'dark'\ntheme = 'dark'\n", "line 2: not valid TOML: this key stands twice"),
    ],
)
def test_a_mistake_is_told_with_file_line_key_and_fix(home: Home, text: str, told: str) -> None:
    path = _write(home, text)
    with pytest.raises(WrongUse) as caught:
        preferences.read(home)
    assert f"{path}: {told}" in caught.value.sentence
    assert caught.value.fix


def test_all_mistakes_are_told_at_once_and_no_value_is_repeated(home: Home) -> None:
    _write(home, 'theme = "hunter2"\n[keys]\n"failure.retry" = "hunter2"\n"nothing.here" = "f5"\n')
    with pytest.raises(WrongUse) as caught:
        preferences.read(home)
    assert [line.split(": ")[1] for line in caught.value.sentence.splitlines()] == ["line 1", "line 3", "line 4"]
    assert "hunter2" not in caught.value.sentence
    assert "move the file away" in caught.value.fix


def test_a_file_that_is_no_text_or_no_file_is_told(home: Home) -> None:
    path = _write(home, "")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(WrongUse, match="is not UTF-8 text"):
        preferences.read(home)
    path.unlink()
    path.mkdir()
    with pytest.raises(WrongUse, match="is a folder"):
        preferences.read(home)


def test_tables_without_end_are_told_and_stop_nothing(home: Home) -> None:
    _write(home, f"[keys]\n{'.'.join(['a'] * 3000)} = 'x'\n")
    with pytest.raises(WrongUse, match=r"line 2: keys\.a\.a\.a.*: must be a key in quotes"):
        preferences.read(home)
    assert "could not be kept" in preferences.keep_theme(home, "light")


def test_what_is_told_on_the_screen_is_one_sentence_and_then_another(home: Home) -> None:
    _write(home, 'theme = "pink"\n')
    assert preferences.read_or_default(home).trouble.endswith("monochrome are. The defaults are used.")


def test_a_defect_in_reading_them_keeps_nobody_from_a_run(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(_: object) -> None:
        raise LookupError("hunter2")

    _write(home, WHOLE)
    monkeypatch.setattr("screens.looks.remapping.mistakes", fails)
    liked = preferences.read_or_default(home)
    assert liked.keys == {}
    assert "could not be read (LookupError). The defaults are used." in liked.trouble


def _quoted(text: str) -> str:
    """As TOML takes any text."""
    return '"' + "".join(f"\\U{ord(each):08x}" for each in text) + '"'


KEY = st.sampled_from(["schema", "theme", "keys", "run.note", "failure.retry"]) | st.text(max_size=5)
PLAIN = st.sampled_from(["1", "-1", "1.5", "nan", "true", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z"])
VALUE = st.recursive(
    PLAIN | st.lists(st.sampled_from(["f5", "", " ", "n"]) | st.text(max_size=3)).map(",".join).map(_quoted),
    lambda each: st.one_of(
        st.lists(each, max_size=3).map(lambda values: f"[{', '.join(values)}]"),
        st.dictionaries(KEY, each, max_size=3).map(
            lambda table: "{" + ", ".join(f"{_quoted(key)} = {value}" for key, value in table.items()) + "}"
        ),
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(KEY, VALUE, max_size=4))
def test_whatever_stands_in_the_file_is_liked_or_told(document: dict[str, str]) -> None:
    with TemporaryDirectory() as folder:
        home = Home(Path(folder))
        _write(home, "\n".join(f"{_quoted(key)} = {value}" for key, value in document.items()))
        with suppress(WrongUse):
            preferences.read(home)
        assert "not valid TOML" not in preferences.read_or_default(home).trouble


def test_without_a_file_nothing_is_loaded_for_it(home: Home) -> None:
    code = (
        "import sys; from pathlib import Path; from runbook.commands.places import Home; import runbook.views\n"
        "before = set(sys.modules); from runbook.commands import preferences\n"
        f"preferences.read(Home(Path({str(home.root)!r})))\n"
        "print(sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['runbook.commands.preferences']"


# -- keeping a theme ------------------------------------------------------------------------------------------------
def test_a_theme_is_kept_in_a_file_that_is_made_for_it(home: Home) -> None:
    told = preferences.keep_theme(home, "light")
    assert str(home.root / preferences.FILE) in told
    assert preferences.read(home) == Preferences("light")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (WHOLE, WHOLE.replace('"light"', '"monochrome"')),
        ("schema = 1", 'schema = 1\ntheme = "monochrome"\n'),
        ('[keys]\n"run.leave" = "f6"\n', 'theme = "monochrome"\n[keys]\n"run.leave" = "f6"\n'),
        ("", 'theme = "monochrome"\n'),
        ("'theme' = 'dark' # x\n", "'theme' = \"monochrome\" # x\n"),
        ("# only a remark\n", 'theme = "monochrome"\n# only a remark\n'),
        ("[keys]\n# theme = 1\n", 'theme = "monochrome"\n[keys]\n# theme = 1\n'),
    ],
)
def test_only_the_line_of_the_theme_changes(home: Home, before: str, after: str) -> None:
    path = _write(home, before)
    preferences.keep_theme(home, "monochrome")
    assert path.read_text() == after
    assert preferences.read(home).theme == "monochrome"


def test_a_file_that_cannot_be_read_is_left_as_it_is(home: Home) -> None:
    path = _write(home, 'theme = "dark\n')
    told = preferences.keep_theme(home, "light")
    assert "could not be kept" in told
    assert "line 1" in told
    assert path.read_text() == 'theme = "dark\n'


def test_a_line_that_is_written_in_an_unusual_way_is_left_to_its_owner(home: Home) -> None:
    before = 'theme = """\ndark"""\n'
    path = _write(home, before)
    assert 'set theme = "light" there' in preferences.keep_theme(home, "light")
    assert path.read_text() == before


def test_a_folder_that_takes_no_file_is_told_and_nothing_else_happens(home: Home) -> None:
    home.root.write_text("a file where the folder should be")
    assert "could not be kept" in preferences.keep_theme(home, "light")


def test_links_in_a_ring_are_told_and_nothing_else_happens(home: Home) -> None:
    path = _write(home, "")
    path.unlink()
    path.symlink_to(path)
    assert "could not be kept" in preferences.keep_theme(home, "light")


def test_nobody_is_told_that_a_theme_is_kept_in_a_file_that_is_not_used(home: Home) -> None:
    _write(home, '[keys]\n"failure.retry" = ""\n')
    assert "until you leave" in preferences.keep_theme(home, "light")
    assert preferences.read_or_default(home).theme == ""


def test_a_link_to_where_somebody_keeps_such_files_stays_a_link(home: Home, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles.toml"
    kept.write_text("schema = 1\n")
    home.root.mkdir()
    (home.root / preferences.FILE).symlink_to(kept)
    preferences.keep_theme(home, "light")
    assert (home.root / preferences.FILE).is_symlink()
    assert 'theme = "light"' in kept.read_text()
