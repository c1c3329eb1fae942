"""`keysync` cold, process start to exit, against the same summary in DuckDB SQL and in pandas."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import polars as pl

from keysync_shell.core.model.systems import Systems
from keysync_shell.sandbox import Sandbox
from tests.benchmarks.measuring import paired, report, seconds
from tests.talking import shell_on

RUNS = 3
SMALL = 10_000
NAMES = Systems().names

# The summary: how many canonical keys each presence pattern has, by the default rules. OURS is the same for `keysync`.
DUCKDB = r"""
import duckdb, sys
duckdb.sql("SET enable_progress_bar = false")
parts = " UNION ALL ".join(
    f"SELECT DISTINCT regexp_replace(regexp_replace(upper(trim(key)), '[\\s_-]+', '-', 'g'), '[^A-Z0-9-]', '', 'g')"
    f" AS canonical, {1 << i} AS bit FROM read_csv('{path}', all_varchar = true, header = true)"
    for i, path in enumerate(sys.argv[1:])
)
rows = duckdb.sql(
    f"SELECT pattern, count(*) FROM (SELECT canonical, sum(bit) AS pattern FROM ({parts}) WHERE canonical != ''"
    " GROUP BY canonical) GROUP BY pattern ORDER BY pattern"
).fetchall()
print(sorted((int(pattern), count) for pattern, count in rows))
"""
OURS = """
import sys
from pathlib import Path
from keysync_shell.core.findings.index import Index
from keysync_shell.reconcile import sources
found = sources.of_home(Path(sys.argv[1]))
print(sorted(Index.build(sources.read(found), found.config.rules).totals.patterns.items()))
"""
PANDAS = r"""
import sys, pandas
parts = []
for i, path in enumerate(sys.argv[1:]):
    key = pandas.read_csv(path, dtype=str, keep_default_na=False, usecols=["key"])["key"]
    key = key.str.strip().str.upper().str.replace(r"[\s_-]+", "-", regex=True).str.replace("[^A-Z0-9-]", "", regex=True)
    parts.append(pandas.DataFrame({"canonical": key[key != ""].unique(), "bit": 1 << i}))
counts = pandas.concat(parts).groupby("canonical")["bit"].sum().value_counts()
print(sorted((int(pattern), int(count)) for pattern, count in counts.items()))
"""


def main(rows: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        print(f"5 x {rows:,} rows, of which 1 % are out of step; {RUNS} runs each")
        large = _sandbox(Path(folder) / "large", rows)
        _against("duckdb", DUCKDB, large, "bar 0.6 x")
        _against("pandas", PANDAS, large, "")
        with contextlib.redirect_stderr(io.StringIO()):
            times = _plan_after_a_change(large)
        report("plan in the shell after a one-key change", times, None, "bar 100 ms at 5 x 1,000,000")
        small = _sandbox(Path(folder) / "small", SMALL)
        polars = lambda: _python("import polars")  # noqa: E731
        report(f"keysync cold, 5 x {SMALL:,}", *paired(lambda: _keysync(small), polars, 9), "of `import polars`")


def _sandbox(home: Path, rows: int) -> Path:
    """Systems that share 99 of 100 keys, with some odd spellings; written as any program would."""
    (home / "systems").mkdir(parents=True)
    for i, name in enumerate(NAMES):
        number = pl.int_range(rows, eager=True) + i * (rows // 400)
        key = pl.format("CUST-{}", number.cast(pl.String).str.zfill(8))
        odd = pl.when((pl.col("number") + i) % 1000 == 0).then(pl.col("key").str.to_lowercase()).otherwise("key")
        frame = pl.DataFrame({"number": number}).with_columns(key=key).select(key=odd)
        columns = {"last_seen_at": "2026-01-02T12:00:00Z", "system": name, "status": "active"}
        frame.with_columns(pl.lit(value).alias(column) for column, value in columns.items()).sort("key").write_csv(
            home / "systems" / f"{name}.csv"
        )
    return home


def _against(library: str, program: str, home: Path, bar: str) -> None:
    if importlib.util.find_spec(library) is None:
        print(f"{library} is not installed, so there is nothing to compare with (pip install {library})")
        return
    paths = [str(home / "systems" / f"{name}.csv") for name in NAMES]

    def baseline() -> str:
        return _python(program, *paths)

    assert baseline() == _python(OURS, str(home)), f"{library} counts otherwise"
    report(f"summary alone, cold, of {library}", *paired(lambda: _python(OURS, str(home)), baseline, RUNS), bar)
    report(f"keysync with every report, cold, of {library}", *paired(lambda: _keysync(home), baseline, RUNS))


def _plan_after_a_change(home: Path) -> list[float]:
    shell = shell_on(Sandbox(home), io.StringIO())
    shell.onecmd_plus_hooks("plan --exit-zero", add_to_history=False)
    times = []
    for number in range(2 * RUNS + 1):
        shell.onecmd_plus_hooks(f"add-key NEW-{number} --systems B", add_to_history=False)
        times.append(seconds(lambda: shell.onecmd_plus_hooks("plan --exit-zero", add_to_history=False)))
        assert shell.status == 0
    return times[1:]


def _keysync(home: Path) -> str:
    program = str(Path(sys.executable).with_name("keysync"))
    return _run([program, "--home", str(home), "--exit-zero"])


def _python(program: str, *arguments: str) -> str:
    return _run([sys.executable, "-c", program, *arguments])


def _run(words: list[str]) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
