"""Help that is about no single command: where to begin, what the words mean, and topics."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from keysync_shell.commands.catalogue import COMMANDS
from keysync_shell.core.findings.kinds import KINDS

WIDTH = 79
WORDS, TOPICS_NAME = "words", "topics"

START = """\
Several systems hold the same business keys, such as CUST-00042. One of them is
the authority (A, unless keysync.toml says otherwise): the others should hold
exactly its keys, but drift away from it. `status` counts what is wrong,
`discrepancies` lists it, `explain KEY` shows everything about a key. Break some
(`remove-key`, `corrupt`), look, `plan`, `apply`; `undo` takes any change back."""

MORE = "New here: tutorial. More: help COMMAND, help words, help topics, help -v."

GLOSSARY = {
    "sandbox": "a folder with the files of all systems and the history of their changes",
    "system": "one store of keys; its file is systems/NAME.csv",
    "authority": "the system that says which keys there should be",
    "key": "the exact text in a file; spaces, case and odd characters are data",
    "spelling": "one of the texts that mean the same canonical key",
    "canonical": "of a key: trimmed, upper-case, runs of spaces, _ and - as one -, the rest dropped",
    "pattern": "the systems that hold a canonical key, written AB.DE",
    "unique": "canonical keys that only this system holds",
    "missing": "canonical keys that some other system holds and this one does not",
    "operation": "one change with its number @41, time, command and user; `log` lists them",
    "snapshot": "a named copy of all systems: `save-state`, `load-state`, `states`",
    "policy": "what is to be done about each kind of finding: [policy] in keysync.toml, or options",
    "plan": "what a reconciliation would do, action by action",
    "run": "a reconciliation that was carried out, with what it found and its reports",
    "master key": "a key that a run proposes for what the authority lacks; `registry` lists them",
    "scenario": "a script of steps and checkpoints that says itself whether all went as expected",
}

TOPICS = {
    "keys": """\
How to name keys, and sets of keys

  CUST-00042                one key, exactly so
  CUST-00010..CUST-00020    a range, both ends included
  'CUST-0*'  're:^CUST'     a glob, a regular expression (not for new keys)
  gap:D  variant  pattern:AB..E
                            keys with that finding in D, or anywhere; keys
                            that exactly these systems hold
  'A - D'  '(B | C) & gap:D'
                            sets of them: & binds first, then - and |
  @keys.txt                 one key a line, or the key column of a CSV
  @last                     the keys of the result before this one
  key:TEXT                  TEXT as it is, whatever it looks like

Quotes go around what holds spaces; Tab puts them where they are needed.""",
    "files": """\
The files of a sandbox, and files that you name

The folder of the sandbox is --home, else $KEYSYNC_HOME, else this one:

  systems/A.csv             the rows of a system. Edit it with anything: the
                            next command takes that in as an operation
  snapshots/NAME/           what `save-state` saved
  sandbox_scenarios/        scenarios of your own
  reports/run-N/            what a run wrote
  keysync.toml              settings, optional
  .keysync/                 the history; nothing in it is for editing

Files that you name:

  add-key @keys.txt         one key a line, or the key column of a CSV
  import B customers.csv    all of B, from a CSV in UTF-8 or UTF-16
  list --output keys.csv    a result: .csv, .tsv, .json, .jsonl, .md, .txt""",
    "scenarios": """\
Scripts that say themselves whether all went as expected

They run on a copy of the sandbox, so nothing in the sandbox changes:

  scenario list             the library, and scenarios of your own
  scenario show NAME        its steps and checkpoints
  scenario run NAME         run it; exit 1 if a checkpoint failed
  scenario new NAME         write one, to begin with
  scenario lint FILE        look for mistakes without running it""",
    "scripts": """\
Files of commands, one or several to a line

  # break something, and look
  remove-key CUST-00007 --systems D --yes
  discrepancies --exit-zero; status

  run FILE, @FILE           run it; it stops at the first command that fails
  run FILE --atomic         all of it or nothing
  keysync-shell -f FILE, keysync-shell -c 'LINES', keysync-shell < FILE

Nobody is asked in a script: what loses something wants --yes.""",
    "mistakes": """\
How to take back what went wrong, even after a restart

  undo, undo 3, redo        the last changes, one by one
  log, log show @41         what was done, and by whom
  restore @41               everything as it was after operation 41
  revert @41                that operation alone
  save-state, load-state    copies with names of their own
  --dry-run                 what a command would change, without changing it

Edits of the CSV files by other programs are operations, too.""",
    "reconciling": """\
From differences to systems that agree

  status, matrix            how far apart they are
  discrepancies, explain    what it is in detail
  plan                      what is to be done about it, by the policy
  predict                   the numbers that a run will report
  reconcile                 a run: reports, proposed master keys
  apply                     carry the plan out; `undo` takes it back
  compare                   what became of the findings of a run""",
    "prompt": """\
What the prompt can do

  Tab, arrow keys           choose from the menu; `set menu off` hides it
  arrow up, Ctrl-R          lines that were typed before
  arrow right               take the rest of a line that is suggested in gray
  a; b                      several commands; the first that fails is the last
  add K1                    the beginning of a command is enough
  list | less, list > FILE  programs and files; !ls runs one without a command
  Ctrl-C, Ctrl-D            stop a command, leave""",
    "exit-codes": """\
What the exit codes say

  0    done, or the same
  1    different, or something was found
  2    trouble, and nothing was changed
  3    it is committed, or possibly so, with trouble afterwards
  127  no such command
  130  Ctrl-C; what was committed by then is said
  141  the reader of a pipe left

A script ends with the code of the command that stopped it.""",
}


def words() -> dict[str, str]:
    """What the words mean, those for the kinds of findings among them."""
    kinds = {kind.name: kind.legend for kind in KINDS}
    return dict(sorted((GLOSSARY | kinds).items()))


def topics() -> dict[str, str]:
    """What can be asked for, with the first line of each."""
    firsts = {name: text.partition("\n")[0] for name, text in TOPICS.items()}
    return {WORDS: "What the words mean", **firsts, "COMMAND": "A command, with its options and examples"}


def overview(groups: Iterable[tuple[str, Iterable[str]]]) -> str:
    """Where to begin, and the names of the commands in their groups."""
    commands = [hanging(f"{group}:", " ".join(names), 13) for group, names in groups]
    return "\n".join([START, *commands, MORE])


def about(text: str) -> str | None:
    """A topic, or what a word means, in the singular or the plural; None if it is neither."""
    name = text.strip().casefold()
    if name == WORDS:
        return "\n".join(hanging(word, meaning, 15) for word, meaning in words().items())
    if name == TOPICS_NAME:
        return "\n".join(hanging(f"help {topic}", what, 20) for topic, what in topics().items())
    if topic := TOPICS.get("keys" if name == "sets" else name):
        return topic
    return next((_meaning(one) for one in words() if name in (one, f"{one}s", f"{one} key", f"{one} keys")), None)


def hanging(head: str, text: str, indent: int) -> str:
    """The text in lines that fit a small screen, behind its head."""
    return textwrap.fill(
        text, WIDTH, initial_indent=f"{head:<{indent}}", subsequent_indent=" " * indent, break_on_hyphens=False
    )


def _meaning(word: str) -> str:
    used = [command.name for command in COMMANDS if word in command.help.casefold().replace(",", " ").split()]
    lines = [textwrap.fill(f"{word}: {words()[word]}", WIDTH, subsequent_indent="  ")]
    examples = [f"discrepancies {word}", f"list {word}:D"] if word in {kind.name for kind in KINDS} else used[:4]
    return "\n".join([*lines, f"See: {' · '.join(examples)}"] if examples else lines)
