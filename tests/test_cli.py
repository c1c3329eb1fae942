"""The command line as a process: arguments, streams, exit codes."""

from __future__ import annotations

import fcntl
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from polars.exceptions import PanicException

from keysync_shell import __version__
from keysync_shell.cli import main
from keysync_shell.commands import looking
from keysync_shell.commands.catalogue import FIRST_WORDS
from tests.building import files, opened, sandbox
from tests.processes import tells, watched

PROGRAM = (sys.executable, "-m", "keysync_shell")
Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A sandbox with twelve keys in every system."""
    path = tmp_path / "home"
    path.mkdir()
    keys = " ".join(f"CUST-{number:05}" for number in range(1, 13))
    sandbox(path, **dict.fromkeys("ABCDE", keys)).close()
    return path


@pytest.fixture
def run(home: Path) -> Run:
    """Run the program in the sandbox's folder, with a text on its standard input."""

    def ran(*arguments: str, stdin: str = "") -> Ran:
        return subprocess.run(
            [*PROGRAM, *arguments], cwd=home, input=stdin, capture_output=True, text=True, check=False, timeout=200
        )

    return ran


@pytest.fixture
def call(home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """As `run`, but in this process and without standard input: for what does not depend on a process of its own."""
    monkeypatch.chdir(home)

    def called(*arguments: str) -> Ran:
        code = main(arguments)
        return Ran(arguments, code, *capsys.readouterr())

    return called


def keys(home: Path, system: str = "A") -> list[str]:
    """The keys on disk that the fixture did not make."""
    at = opened(home)
    at.refresh()
    found = [key for key in at.state.keys(system) if not key.startswith("CUST")]
    at.close()
    return found


# What it imports

IMPORTED = """
import sys
from keysync_shell.cli import main
code = main(sys.argv[1:])
sys.stdout.flush()
print(code, *sorted({name.partition(".")[0] for name in sys.modules} & {"cmd2", "polars", "prompt_toolkit", "rich"}))
"""


def imported(home: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-c", IMPORTED, *arguments]
    return subprocess.run(command, cwd=home, capture_output=True, text=True, check=True).stdout.splitlines()[-1].split()


@pytest.mark.parametrize(
    "line", ["--help", "help", "add-key --help", "help add-key", "help words", "--version", "version"]
)
def test_help_imports_nothing_heavy(home: Path, line: str) -> None:
    assert imported(home, *line.split()) == ["0"]


@pytest.mark.parametrize("line", ["status", "add-key X", "list", "undo", "log", "states"])
def test_one_command_imports_no_cmd2(home: Path, line: str) -> None:
    assert imported(home, *line.split()) == ["0", "polars"]


@pytest.mark.parametrize("arguments", [["-c", "status; add-key X"], ["-f", "s.txt"], ["run", "s.txt"]])
def test_scripts_import_no_cmd2(home: Path, arguments: list[str]) -> None:
    (home / "s.txt").write_text("add-key X\nrun t.txt\nquit\n")
    (home / "t.txt").write_text("undo  # a remark\n")
    assert imported(home, *arguments) == ["0", "polars"]


@pytest.mark.parametrize("line", ["list | cat", "list > out", "!true", "help", "alias list"])
def test_what_only_a_shell_can_do_works_in_scripts(run: Run, line: str) -> None:
    assert run("-c", f"status\n{line}\nstatus").returncode == 0


# What it says of itself


def test_version(run: Run) -> None:
    for word in ("--version", "version"):
        ran = run(word)
        assert (ran.returncode, ran.stdout) == (0, f"keysync-shell {__version__}\n")


def test_help_names_every_command(call: Run) -> None:
    ran = call("--help")
    assert ran.returncode == 0
    assert {line.split()[0] for line in ran.stdout.splitlines() if line.strip()} >= set(FIRST_WORDS)


def test_help_on_one_command(call: Run) -> None:
    ran = call("help", "corrupt")
    assert ran.returncode == 0
    assert ran.stdout == call("corrupt", "--help").stdout
    assert "  corrupt case --count 10 --systems B,C\n" in ran.stdout


def test_help_on_a_word_or_a_topic(call: Run) -> None:
    assert "another system lacks" in call("help", "gap").stdout
    assert "help exit-codes" in call("help", "topics").stdout
    ran = call("help", "nonsense")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "no help on 'nonsense'; `help topics`" in ran.stderr


def test_help_fits_a_small_screen(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert max(map(len, call("--help").stdout.splitlines())) <= 80


def test_did_you_mean(call: Run) -> None:
    ran = call("stauts")
    assert (ran.returncode, ran.stdout) == (127, "")
    assert "there is no command 'stauts'" in ran.stderr
    assert "Did you mean status?" in ran.stderr


def test_the_console_script_is_the_module(home: Path, run: Run) -> None:
    script = Path(sys.executable).with_name("keysync-shell")
    said = subprocess.run([script, "--version"], cwd=home, capture_output=True, text=True, check=True).stdout
    assert said == run("--version").stdout


# Arguments arrive byte for byte

KEYS = [
    "a b",
    " a ",
    "a'b",
    'a"b',
    "a|b",
    "a>b",
    "a;b",
    "#a",
    "a # b",
    "$HOME",
    "$(ls)",
    "`ls`",
    "a\\b",
    "a\tb",
    "a\nb",
    "*",
]


def test_arguments_are_taken_as_they_are(home: Path, run: Run) -> None:
    assert run("add-key", "--systems", "A", "--", *KEYS, "!x", "é\u202e").returncode == 0
    assert sorted(keys(home)) == sorted([*KEYS, "!x", "é\u202e"])


def test_the_line_in_the_log_can_be_said_again(home: Path, run: Run) -> None:
    run("add-key", "a 'b' | c", "--systems", "A")
    line = json.loads(run("log", "1", "--format", "json").stdout)["data"]["operations"][0]["line"]
    run("undo")
    assert run("-c", line).returncode == 0
    assert keys(home) == ["a 'b' | c"]


# Scripts


def test_a_script_on_standard_input(home: Path, run: Run) -> None:
    ran = run(stdin="# a remark\n\nadd-key K1 -s A\nadd-key 'K 2' -s A # another\n")
    assert ran.returncode == 0
    assert ran.stdout == "", "a script has no prompt and no echo, and a change has no data"
    assert keys(home) == ["K 2", "K1"]


def test_a_script_without_a_last_newline(home: Path, run: Run) -> None:
    assert run(stdin="add-key K1").returncode == 0
    assert keys(home) == ["K1"]


def test_lines_and_semicolons(home: Path, run: Run) -> None:
    assert run("-c", "add-key K1 -s A; add-key 'K;2' -s A\nadd-key K3 -s A").returncode == 0
    assert keys(home) == ["K1", "K3", "K;2"]


def test_a_file(home: Path, run: Run) -> None:
    (home / "s.txt").write_text("add-key K1\nnonsense\n")
    for arguments in (["-f", "s.txt"], ["run", "s.txt"], ["source", "s.txt"]):
        ran = run(*arguments)
        assert ran.returncode == 127
        assert "s.txt:2: failed with status 127: nonsense" in ran.stderr


@pytest.mark.parametrize("arguments", [["-f", "missing.txt"], ["run", "missing.txt"]])
def test_a_file_that_is_not_there(run: Run, arguments: list[str]) -> None:
    ran = run(*arguments)
    assert ran.returncode == 2
    assert "missing.txt cannot be read" in ran.stderr


def test_a_failure_has_its_place_and_stops(home: Path, run: Run) -> None:
    ran = run(stdin="add-key K1\n\nadd-key K2 --systems Q\nadd-key K3\n")
    assert ran.returncode == 2
    assert "<stdin>:3: failed with status 2: add-key K2 --systems Q" in ran.stderr
    assert keys(home) == ["K1"]


def test_keep_going(home: Path, run: Run) -> None:
    ran = run("--keep-going", stdin="nonsense\nadd-key K1\n")
    assert ran.returncode == 127
    assert keys(home) == ["K1"]


def test_echo(run: Run) -> None:
    assert "+ status" in run("--echo", "-c", "status").stderr


def test_an_empty_script(run: Run) -> None:
    ran = run()
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("line", ["!touch out", "shell touch out", "list > out", "list | tee out"])
def test_restricted(home: Path, run: Run, line: str) -> None:
    run("--restricted", "-c", line)
    assert not (home / "out").exists()


# Nobody is there to say yes


def test_a_question_is_not_answered_by_the_next_line(home: Path, run: Run) -> None:
    before = files(home)
    ran = run(stdin="remove-key 'CUST*' --systems D\ny\ny\n")
    assert ran.returncode == 2
    assert "<stdin>:1: " in ran.stderr
    assert "--yes" in ran.stderr
    assert files(home) == before


@pytest.mark.parametrize("line", ["remove-key CUST-00001", "init --keys 3", "reset --empty"])
def test_one_destructive_command_in_a_pipe(home: Path, run: Run, line: str) -> None:
    before = files(home)
    ran = run(*line.split(), stdin="y\n")
    assert ran.returncode == 2
    assert "Nothing was changed." in ran.stderr
    assert files(home) == before
    assert run(*line.split(), "--yes").returncode == 0


# Exit codes and streams


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("status", 0),
        ("status --exit-code", 0),
        ("discrepancies", 0),
        ("diff A B", 0),
        ("add-key X --systems B", 0),
        ("add-key X --systems Q", 2),
        ("status extra", 2),
        ("--format json", 2),
        ("undo 99", 2),
        ("nonsense", 127),
    ],
)
def test_exit_codes(call: Run, line: str, code: int) -> None:
    assert call(*line.split()).returncode == code


def test_exit_codes_of_commands_that_answer(run: Run) -> None:
    run("add-key", "X", "--systems", "B")
    for line, code in {"discrepancies": 1, "diff A B": 1, "status": 0, "status --exit-code": 1}.items():
        assert run(*line.split()).returncode == code
        assert run("-c", line).returncode == code


def test_data_on_stdout_and_talk_on_stderr(call: Run) -> None:
    added = call("add-key", "X")
    assert added.stdout == ""
    assert "Added" in added.stderr
    assert call("list", "X").stderr == ""


def test_no_color_in_a_pipe_unless_asked(call: Run) -> None:
    assert "\x1b" not in call("add-key", "X", "--systems", "Q").stderr
    assert "\x1b" in call("--color", "always", "add-key", "X", "--systems", "Q").stderr


@pytest.mark.parametrize("script", [False, True])
def test_a_reader_that_leaves_early(home: Path, run: Run, script: bool) -> None:
    run("init", "--keys", "20000", "--yes")
    arguments = ["-c", "list --all"] if script else ["list", "--all"]
    process = subprocess.Popen([*PROGRAM, *arguments], cwd=home, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert (process.wait(), process.stderr.read()) == (141, b"")
    process.stderr.close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
@pytest.mark.parametrize(
    ("line", "code", "seen"),
    [
        ("list", 2, "the result could not be written: No space left on device"),
        ("add-key X --systems A --format json", 3, "It is committed."),
    ],
)
def test_a_full_disk_behind_stdout_does_not_undo_what_was_done(home: Path, line: str, code: int, seen: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [*PROGRAM, *line.split()], cwd=home, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert ran.returncode == code
    assert seen in ran.stderr
    assert "Nothing was changed." not in ran.stderr
    assert keys(home) == (["X"] if "add-key" in line else [])


@tells
@pytest.mark.parametrize("arguments", [["add-key", "X"], ["-c", "add-key X"]])
def test_ctrl_c(home: Path, arguments: list[str]) -> None:
    before, path = files(home), home / ".keysync" / "lock"
    with path.open() as lock, watched(path) as wait:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = subprocess.Popen(
            [*PROGRAM, "--lock-timeout", "600", *arguments], cwd=home, stderr=subprocess.PIPE, text=True
        )
        wait()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=200)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert files(home) == before


# Input


def test_keys_from_standard_input(home: Path, run: Run) -> None:
    assert run("add-key", "-", "--systems", "A", stdin="K1\r\nK 2\n\nK1\n").returncode == 0
    assert keys(home) == ["K 2", "K1"]


def test_keys_from_a_table_on_standard_input(home: Path, run: Run) -> None:
    run("add-key", "-", "--systems", "A", stdin='name,key\nAda,K1\nBob,"K,2"\n')
    assert keys(home) == ["K,2", "K1"]


def test_bytes_that_are_no_text(home: Path) -> None:
    ran = subprocess.run([*PROGRAM, "add-key", "-"], cwd=home, input=b"K1\nK\xff\n", capture_output=True, check=False)
    assert ran.returncode == 2
    assert b"<stdin>:2: byte 0xff is not UTF-8" in ran.stderr
    assert keys(home) == []


def test_a_script_cannot_read_keys_from_itself(home: Path, run: Run) -> None:
    assert run(stdin="add-key -\nK1\n").returncode == 2
    assert keys(home) == []


def test_without_any_standard_stream(home: Path) -> None:
    command = f"{sys.executable} -m keysync_shell add-key K1 --systems A <&- >&- 2>&-"
    subprocess.run(["sh", "-c", command], cwd=home, check=False)
    assert keys(home) == ["K1"]


# Options

FORMATS: dict[str, Callable[[str], object]] = {
    "json": json.loads,
    "jsonl": lambda text: [json.loads(line) for line in text.splitlines()],
    "csv": lambda text: text.splitlines()[0].split(","),
    "tsv": lambda text: text.splitlines()[0].split("\t"),
    "markdown": lambda text: text.splitlines()[1].index("--"),
    "table": str,
}


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_of_everything_that_shows_data(call: Run, format: str) -> None:
    for line in ("status", "list", "discrepancies", "diff A B", "states", "log", "add-key X --dry-run"):
        ran = call(*line.split(), "--format", format)
        assert (ran.returncode, FORMATS[format](ran.stdout) is not None) == (0, True), line


@pytest.mark.parametrize("line", ["add-key X", "undo", "save-state one", "remove-key CUST-00001 --yes"])
def test_json_of_everything_that_changes(call: Run, line: str) -> None:
    ran = call(*line.split(), "--format", "json")
    assert ran.stderr == ""
    assert json.loads(ran.stdout)["command"] == line.split()[0]


def test_the_beginning_of_a_command_is_enough(home: Path, run: Run) -> None:
    assert run("add", "K1", "--systems", "A").returncode == 0
    assert run("-c", "add K2 -s A; rem K1 --yes").returncode == 0
    assert run(stdin="add K3 -s A").returncode == 0
    assert keys(home) == ["K2", "K3"]
    assert "remove-key K1 --yes" in run("log", "3").stdout, "the log has the whole name"


def test_several_commands_that_begin_so(call: Run) -> None:
    ran = call("stat")
    assert ran.returncode == 127
    assert "'stat' may mean states, status" in ran.stderr


def test_home_before_and_after_the_command(home: Path, call: Run, tmp_path: Path) -> None:
    other = tmp_path / "other"
    assert call("--home", str(other), "init", "--keys", "3").returncode == 0
    assert json.loads(call("status", "--format", "json", "--home", str(other)).stdout)["data"]["keys"] == 3
    assert json.loads(call("status", "--format", "json").stdout)["data"]["keys"] == 12


def test_home_in_the_environment(home: Path, call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYSYNC_HOME", str(tmp_path / "other"))
    call("init", "--keys", "3")
    assert (tmp_path / "other" / "systems" / "A.csv").exists()
    assert json.loads(call("--home", str(home), "status", "--format", "json").stdout)["data"]["keys"] == 12


def test_a_home_that_is_a_file(call: Run, home: Path) -> None:
    (home / "file").touch()
    ran = call("--home", "file", "init")
    assert ran.returncode == 2
    assert "error:" in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(
    "arguments", [["--lock-timeout", "0", "add-key", "X"], ["add-key", "X", "--lock-timeout", "0"]]
)
def test_a_lock_that_somebody_holds(home: Path, call: Run, arguments: list[str]) -> None:
    before = files(home)
    with (home / ".keysync" / "lock").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ran = call(*arguments)
    assert ran.returncode == 2
    assert "in use by another process" in ran.stderr
    assert "--lock-timeout" in ran.stderr
    assert files(home) == before


def test_a_traceback_only_with_debug(call: Run) -> None:
    assert "Traceback" not in call("add-key", "X", "--systems", "Q").stderr
    assert "Traceback" in call("--debug", "add-key", "X", "--systems", "Q").stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--hom", "x"], "error: keysync-shell has no option --hom\nhint: Did you mean --home?\n"),
        (["-c"], "error: -c lacks a value\nhint: For example: -c LINES\n"),
        (["add-key", "X", "--sytems", "B"], "error: add-key has no option --sytems\nhint: Did you mean --systems?\n"),
        (["set", "X"], "error: 'set' may mean modify-key, set-value\nhint: Write out the one you mean.\n"),
        (
            ["undo", "many"],
            "error: N: 'many' is not a whole number\nhint: `keysync-shell undo --help` shows what it takes.\n",
        ),
    ],
)
def test_wrong_words_are_told_in_two_lines(call: Run, arguments: list[str], said: str) -> None:
    ran = call(*arguments)
    assert ran.returncode in (2, 127)
    assert ran.stderr == said


@pytest.mark.parametrize("words", ["-c status", "status", "-c help"])
def test_full_stdout_is_an_error_for_people(words: str, tmp_path: Path) -> None:
    program = [sys.executable, "-m", "keysync_shell", "--home", str(tmp_path), *words.split()]
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(program, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert ran.returncode == 2
    assert "Traceback" not in ran.stderr


# What nobody planned for


@pytest.mark.parametrize(
    ("error", "said", "code"),
    [
        (ZeroDivisionError("1/0"), "this should not have happened: ZeroDivisionError: 1/0", 70),
        (PanicException("index out of bounds"), "Polars, which looks into the tables, broke off: index out", 70),
        (MemoryError(), "there is not enough memory for this", 2),
    ],
    ids=["bug", "panic", "memory"],
)
def test_unexpected_error_is_told_without_a_traceback(
    call: Run, monkeypatch: pytest.MonkeyPatch, error: BaseException, said: str, code: int
) -> None:
    def fails(*_: object) -> None:
        raise error

    monkeypatch.setattr(looking, "status", fails)
    ran = call("status")
    assert ran.returncode == code
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize(("name", "begins"), [("o.csv", "system,rows,"), ("o.json", "{"), ("o.md", "| System |")])
def test_name_of_the_output_says_its_format(call: Run, home: Path, name: str, begins: str) -> None:
    assert call("status", "--output", name).returncode == 0
    assert (home / name).read_text().startswith(begins)


def test_output_in_a_format_that_is_not_written_is_refused_before_anything_is_done(call: Run, home: Path) -> None:
    ran = call("add-key", "X", "--output", "o.xlsx")
    assert ran.returncode == 2
    assert "hint: Such as .csv" in ran.stderr
    assert keys(home) == []
