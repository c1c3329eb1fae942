from __future__ import annotations

from pathlib import Path

import pytest

from keysync_shell.core.model.rules import Rules
from keysync_shell.core.model.state import State
from keysync_shell.errors import BadFile, KeySyncError
from keysync_shell.reconcile import sources
from keysync_shell.reconcile.sources import Sources
from keysync_shell.storage.foreign_csv import Reading
from tests.building import keys, sandbox

TWO = "sources:\n  A: {type: csv, path: a.csv}\n  B: {path: sub/b.csv}\n"


def config(folder: Path, text: str) -> Path:
    path = folder / "keysync-config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def seen(found: Sources) -> State:
    """All that the files hold."""
    readings: list[Reading] = []
    at = sources.opened(found, heard=readings.append)
    at.peek()
    if found.home:
        return at.state
    return State(found.systems, {name: one.rows for name, one in zip(found.systems.names, readings, strict=True)})


def test_sandbox_is_read_with_its_settings(tmp_path: Path) -> None:
    sandbox(tmp_path, A="K1", C="K2").close()
    (tmp_path / "keysync.toml").write_text("[normalize]\npad_numbers = 4\n")
    found = sources.of_home(tmp_path)
    assert (found.config.rules, found.output) == (Rules(pad_numbers=4), tmp_path / "reports")
    assert keys(seen(found)) == {"A": ["K1"], "C": ["K2"]}


def test_configuration_names_files_relative_to_itself(tmp_path: Path) -> None:
    found = sources.of_yaml(config(tmp_path, TWO))
    assert found.paths == {"A": tmp_path / "a.csv", "B": tmp_path / "sub/b.csv"}
    assert (found.systems.names, found.systems.authority, found.home) == (("A", "B"), "A", None)
    assert found.output == tmp_path / "output"


def test_authority_is_a_or_the_first(tmp_path: Path) -> None:
    text = "sources: {CRM: {path: c.csv}, A: {path: a.csv}}"
    assert sources.of_yaml(config(tmp_path, text)).systems.authority == "A"
    text = "sources: {CRM: {path: c.csv}, ERP: {path: e.csv}}"
    assert sources.of_yaml(config(tmp_path, text)).systems.authority == "CRM"


@pytest.mark.parametrize(
    ("normalize", "rules"),
    [
        ("", Rules(pad_numbers=6)),
        ("{}", Rules(pad_numbers=6)),
        ("{left_pad_numbers: false}", Rules()),
        ("{pad_length: 3}", Rules(pad_numbers=3)),
        ("{letters: unicode}", Rules(letters="unicode", pad_numbers=6)),
        ("{trim_whitespace: false, uppercase: false}", Rules(trim=False, uppercase=False, pad_numbers=6)),
        ("{collapse_delims: ''}", Rules(collapse_delimiters=False, pad_numbers=6)),
        ("{strip_non_alnum: false, left_pad_numbers: false}", Rules(strip_other=False)),
    ],
)
def test_rules_have_the_existing_names(tmp_path: Path, normalize: str, rules: Rules) -> None:
    assert sources.of_yaml(config(tmp_path, f"{TWO}normalize: {normalize}\n")).config.rules == rules


def test_provisioning_and_output(tmp_path: Path) -> None:
    text = "provisioning: {strategy: namespaced, auto_approve: true, namespace_prefix: MK}\noutput: {directory: out}\n"
    found = sources.of_yaml(config(tmp_path, TWO + text))
    assert (found.config.policy.strategy, found.config.policy.prefix) == ("namespaced", "MK")
    assert (found.auto_approve, found.output) == (True, tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a\n- b\n", "it holds no settings"),
        ("sauces: {}", "sauces is not a setting"),
        (f"{TWO}normalize: {{upercase: true}}", "normalize.upercase is not a setting"),
        ("sources: {A: {path: a.csv, separator: x}}", "sources.A.separator is not a setting"),
        ("sources: {A: {path: a.csv, delimiter: xy}}", "sources.A: 'xy' is not a delimiter"),
        ("sources: {A: {path: a.csv, delimiter: 5}}", "sources.A.delimiter: '5' is not text"),
        ("sources: {A: {path: a.csv, encoding: utf-9}}", "sources.A: there is no encoding 'utf-9'"),
        ("sources: {A: {path: a.csv, key_column: 0}}", "sources.A.key_column: '0' is neither the name of a column nor"),
        ("sources: {A: {path: a.csv, key_column: [id]}}", "sources.A.key_column: \"['id']\" is neither"),
        ("sources: {A: {path: a.csv, no_header: 1}}", "sources.A.no_header: '1' is neither true nor false"),
        ("sources: {NO: {path: a.csv}}", "sources: False is not text in YAML"),
        ("sources: {gap: {path: a.csv}, B: {path: b.csv}}", "'gap' cannot be the name of a system"),
        ("sources: {A: {path: a.csv}, A: {path: b.csv}}", "line 1: A appears twice"),
        (f"{TWO}normalize: {{uppercase: maybe}}", "normalize.uppercase: 'maybe' is neither true nor false"),
        (f"{TWO}authority: C", "authority: 'C' is not one of the sources"),
        ("a: &a [1]\nb: [*a, *a]\n", "references (*a) are not taken"),
        ("[" * 5000, "nested deeper than 32 levels"),
        ("[a,b]:\n" * 4000, "line 1250: more than 5,000 names and values"),
        (f"logging: [{'a,' * 6000}]", "line 1: more than 5,000 names and values"),
        ("#" * (1 << 17), "65,536"),
        ("a: \0", "it is not YAML"),
        ("sources: [a.csv]", "sources is not a table"),
        ("sources: {A: a.csv}", "sources.A is not a table"),
        ("sources: {A: {type: csv}}", "sources.A names no file"),
        ("sources: {A: {type: jdbc, path: a}}", "sources.A.type: 'jdbc'; only csv files are read"),
        ("sources: {A: {path: a.csv}}", "a sandbox takes 2 to 16 systems, not 1"),
        (f"{TWO}normalize: [trim]", "normalize is not a table"),
        (f"{TWO}normalize: {{collapse_delims: '_'}}", "normalize.collapse_delims: '_'; only '-' is known"),
        (f"{TWO}normalize: {{pad_length: wide}}", "normalize.pad_length: 'wide' is not a number from 0 to 64"),
        (f"{TWO}provisioning: {{strategy: random}}", "strategy: 'random' is not one of mirror, namespaced"),
        ("sources: {A: [", "it is not YAML"),
        ("a: !!python/object/apply:os.system [ls]", "it is not YAML"),
    ],
)
def test_each_mistake_is_named_with_its_file(tmp_path: Path, text: str, message: str) -> None:
    path = config(tmp_path, text)
    with pytest.raises(KeySyncError) as error:
        sources.of_yaml(path)
    assert str(path) in error.value.message
    assert message in error.value.message


def test_configuration_that_is_not_there_or_no_text(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError, match=r"none\.yaml cannot be read"):
        sources.of_yaml(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(KeySyncError, match=r"bytes\.yaml: it is not YAML"):
        sources.of_yaml(tmp_path / "bytes.yaml")


def test_missing_file_is_an_error_unless_partial(tmp_path: Path) -> None:
    found = sources.of_yaml(config(tmp_path, f"{TWO}  C: {{path: c.csv}}\n"))
    (tmp_path / "a.csv").write_text("key\nK1\n")
    (tmp_path / "c.csv").write_text("key\nK2\n")
    with pytest.raises(KeySyncError, match=r"sub/b\.csv is missing") as error:
        sources.require(found)
    assert "--partial" in error.value.hint
    left = sources.present(found)
    assert (left.systems.names, left.absent) == (("A", "C"), ("B",))
    assert keys(seen(left)) == {"A": ["K1"], "C": ["K2"]}


def test_partial_needs_the_authority(tmp_path: Path) -> None:
    found = sources.of_yaml(config(tmp_path, TWO))
    with pytest.raises(KeySyncError, match=r"a\.csv is missing, and A is the authority"):
        sources.present(found)


def test_malformed_row_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("key,note\nK1,x\nK2\n")
    found = sources.of_yaml(config(tmp_path, TWO))
    with pytest.raises(BadFile, match=r"a\.csv:3: "):
        sources.opened(found)


def test_unknown_setting_has_a_guess(tmp_path: Path) -> None:
    with pytest.raises(KeySyncError) as error:
        sources.of_yaml(config(tmp_path, f"{TWO}normalise: {{}}"))
    assert "Did you mean normalize?" in error.value.hint


def test_configuration_without_sources_means_the_usual_input(tmp_path: Path) -> None:
    found = sources.of_yaml(config(tmp_path, "schedule: '0 2 * * *'\nlogging: {level: INFO}\n"))
    assert found.paths == {name: tmp_path / "input" / f"{name}.csv" for name in "ABCDE"}


def test_source_has_its_own_column_of_keys_and_any_of_them_is_the_authority(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,name\nK1,x\n")
    (tmp_path / "b.csv").write_text("key\nK2\n")
    text = "sources: {ERP: {path: a.csv, key_column: id}, CRM: {path: b.csv}}\nauthority: CRM\n"
    found = sources.of_yaml(config(tmp_path, text))
    assert found.systems.authority == "CRM"
    assert keys(seen(found)) == {"ERP": ["K1"], "CRM": ["K2"]}


def test_source_may_be_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "data.csv").write_text("key\nK1\n")
    (tmp_path / "a.csv").symlink_to(tmp_path / "real" / "data.csv")
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.csv").write_text("key\nK1\n")
    assert keys(seen(sources.of_yaml(config(tmp_path, TWO)))) == {"A": ["K1"], "B": ["K1"]}


def pair(folder: Path, entry: str, data: bytes, authority: str = "A") -> Path:
    """A configuration with `entry` as what is said of A beside its path, and B that holds K1."""
    (folder / "a.csv").write_bytes(data)
    (folder / "b.csv").write_text("key\nK1\n")
    text = f"sources:\n  A: {{path: a.csv{entry}}}\n  B: {{path: b.csv}}\nauthority: {authority}\n"
    return config(folder, text)


@pytest.mark.parametrize(
    ("entry", "data"),
    [
        ("", b"\xef\xbb\xbfKey;name\r\nK1;x\r\n"),
        ("", "key\tname\nK1\tJosé\n".encode("utf-16")),
        (", key_column: id", b"id|name\nK1|x\n"),
        (", key_column: 2, no_header: true", b"x,K1\n"),
        (", delimiter: none", b"K1\n"),
        (", delimiter: ':'", b"key:name\nK1:x\n"),
        (", encoding: cp1252", b"key,name\nK1,Jos\xe9\n"),
        (", no_header: true", b"K1\n"),
    ],
)
def test_form_of_a_source_is_recognized_or_said(tmp_path: Path, entry: str, data: bytes) -> None:
    assert keys(seen(sources.of_yaml(pair(tmp_path, entry, data))))["A"][-1] == "K1"


@pytest.mark.parametrize(
    "data",
    [
        b"id;name\nK1;x\n",
        b"K1,x\nK2,y\n",
        b"K1\nK2\n",
        b"ids\nK1\n",
        b"key,name\nK1,Jos\xe9\n",
        "key,name\nK1,x\n".encode("utf-16-le"),
        b"the no,a|b\nK1,x|y\n",
    ],
)
def test_each_line_of_a_hint_can_be_pasted_and_settles_it(tmp_path: Path, data: bytes) -> None:
    pair(tmp_path, "", data)
    hints = ["A: {path: a.csv}"]
    for _ in range(3):  # one question may lead to another
        hints = [one for line in hints for one in asked(tmp_path, line)]
    assert hints == []


def asked(folder: Path, line: str) -> list[str]:
    """What a source that is told so asks; nothing if it can be read, and then K1 is in it."""
    path = config(folder, f"sources:\n  {line}\n  B: {{path: b.csv}}\n")
    try:
        assert "K1" in " ".join(keys(seen(sources.of_yaml(path)))["A"])
    except BadFile as error:
        first, *lines = error.hint.split("\n  ")
        assert first == "Say under sources in keysync-config.yaml how to read it:"
        return lines
    return []


def test_hint_about_a_usual_source_says_what_has_to_stand_beside_it(tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    for name in "ABCDE":
        (tmp_path / "input" / f"{name}.csv").write_text("id;x\nK1;y\n" if name == "C" else "key\nK1\n")
    with pytest.raises(BadFile) as error:
        sources.opened(sources.of_yaml(config(tmp_path, "")))
    assert error.value.hint.startswith("Say under sources in keysync-config.yaml, beside A, B, D, E, how to read it:")
    assert "C: {path: input/C.csv, key_column: id}" in error.value.hint
