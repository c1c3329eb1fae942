"""Programs that do the same work as ours, each as its own users would write it. They run by themselves, from start to
exit, and import nothing of ours."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path

from tests.benchmarks.measuring import Cost, process

HAS_DUCKDB = importlib.util.find_spec("duckdb") is not None

# The five kinds of findings, counted. With a second argument the rows of two reports are written there, too.
DUCKDB = r"""
import duckdb, json, sys
systems = "ABCDE"
con = duckdb.connect()
con.execute("SET enable_progress_bar = false")
con.execute("CREATE TEMP TABLE held AS SELECT key, bit, count(*) AS rows FROM (" + " UNION ALL ".join(
    f"SELECT key, {1 << i}::UTINYINT AS bit"
    f" FROM read_csv('{sys.argv[1]}/{name}.csv', all_varchar = true, header = true)"
    for i, name in enumerate(systems)) + ") GROUP BY key, bit")
con.execute('''CREATE TEMP TABLE spelling AS
  SELECT key, mask, plain, CASE WHEN plain THEN key ELSE regexp_replace(tidy, '[^A-Z0-9-]', '', 'g') END AS canonical,
         NOT plain AND regexp_matches(tidy, '[^A-Z0-9-]') AS malformed
  FROM (SELECT key, mask, plain,
               CASE WHEN NOT plain THEN regexp_replace(upper(trim(key)), '[_\\s-]+', '-', 'g') END AS tidy
        FROM (SELECT key, bit_or(bit) AS mask, regexp_full_match(key, '[A-Z0-9]+(-[A-Z0-9]+)*') AS plain
              FROM held GROUP BY key))''')
con.execute('''CREATE TEMP TABLE grouped AS
  SELECT canonical, bit_or(mask) AS pattern, count(*) AS spellings
  FROM spelling WHERE canonical <> '' GROUP BY canonical''')
one = lambda sql: int(con.execute(sql).fetchone()[0] or 0)
numbers = {
    "gaps": one("SELECT sum(5 - bit_count(pattern)) FROM grouped WHERE pattern & 1 = 1"),
    "unauthorized": one("SELECT count(*) FROM grouped WHERE pattern & 1 = 0"),
    "duplicates": one('''SELECT count(*) FROM (
        SELECT canonical, bit FROM held JOIN spelling USING (key) JOIN grouped USING (canonical)
        WHERE rows > 1 OR spellings > 1 GROUP BY canonical, bit HAVING sum(rows) > 1)'''),
    "variants": one('''SELECT sum(bit_count(mask)) FROM spelling JOIN grouped USING (canonical)
        WHERE mask & 1 = 0 AND (pattern & 1 = 1 OR key <> canonical)'''),
    "malformed": one("SELECT sum(bit_count(mask)) FROM spelling WHERE malformed"),
    "keys": one("SELECT count(*) FROM grouped"),
}
if len(sys.argv) > 2:
    bits = ", ".join(f"('{name}', {1 << i})" for i, name in enumerate(systems))
    con.execute(f'''COPY (SELECT name AS System, canonical AS "Normalized Key" FROM grouped
        JOIN (VALUES {bits}) AS system(name, bit) ON pattern & 1 = 1 AND pattern & bit = 0 ORDER BY ALL)
        TO '{sys.argv[2]}/gaps.csv' (HEADER)''')
    con.execute(f'''COPY (SELECT canonical AS "Normalized Key", name AS "Source System", key AS "Original Key"
        FROM grouped JOIN spelling USING (canonical) JOIN (VALUES {bits}) AS system(name, bit) ON mask & bit <> 0
        WHERE pattern & 1 = 0 ORDER BY ALL) TO '{sys.argv[2]}/unauthorized.csv' (HEADER)''')
print(json.dumps(numbers))
"""

POLARS = r"""
import json, sys
import polars as pl
names, key, mask = "ABCDE", pl.col("key"), pl.col("mask")
rows = pl.concat([pl.scan_csv(f"{sys.argv[1]}/{name}.csv", infer_schema=False).select(key.fill_null(""),
    bit=pl.lit(1 << i, dtype=pl.UInt32)) for i, name in enumerate(names)])
held = rows.group_by("key", "bit").agg(rows=pl.len()).collect(engine="streaming")
spelling = held.group_by("key").agg(mask=pl.col("bit").sum()).with_columns(
    plain=key.str.contains(r"^[A-Z0-9]+(?:-[A-Z0-9]+)*$"))
odd = spelling.filter(~pl.col("plain")).with_columns(
    tidy=key.str.strip_chars().str.to_uppercase().str.replace_all(r"[_\s-]+", "-"))
odd = odd.with_columns(canonical=pl.col("tidy").str.replace_all("[^A-Z0-9-]", ""))
malformed = odd.filter(pl.col("tidy") != pl.col("canonical"))
named = pl.concat([spelling.filter("plain").select("key", "mask", canonical="key"),
                   odd.select("key", "mask", "canonical")]).filter(pl.col("canonical") != "")
grouped = named.group_by("canonical").agg(pattern=mask.bitwise_or(), spellings=pl.len())
ours = (pl.col("pattern") & 1) == 1
suspects = held.join(named.join(grouped.filter(pl.col("spellings") > 1), on="canonical").select("key"), on="key",
    how="semi")
twice = pl.concat([held.filter(pl.col("rows") > 1), suspects]).unique(["key", "bit"]).join(named, on="key")
variants = named.filter((mask & 1) == 0).join(grouped, on="canonical").filter(ours | (key != pl.col("canonical")))
bits = lambda frame, name="mask": int(frame.select(pl.col(name).bitwise_count_ones().sum()).item() or 0)
gaps = grouped.filter(ours)
print(json.dumps({
    "gaps": 5 * len(gaps) - bits(gaps, "pattern"),
    "unauthorized": len(grouped) - len(gaps),
    "duplicates": twice.group_by("canonical", "bit").agg(pl.col("rows").sum()).filter(pl.col("rows") > 1).height,
    "variants": bits(variants),
    "malformed": bits(malformed),
    "keys": len(grouped),
}))
"""

# Five files of new rows, or as many as are named, durably.
WRITING = r"""
import os, sys
import polars as pl
folder, count = sys.argv[1], int(sys.argv[2])
os.makedirs(folder, exist_ok=True)
number = pl.int_range(1, count + 1, eager=True).cast(pl.String).str.zfill(8)
for name in "ABCDE":
    table = pl.DataFrame({"key": "CUST-" + number}).with_columns(last_seen_at=pl.lit("2026-01-02T12:00:00Z"),
        system=pl.lit(name), status=pl.lit("active")).sort("key")
    with open(f"{folder}/{name}.csv", "wb") as file:
        table.write_csv(file)
        file.flush()
        os.fsync(file.fileno())
"""

# A share of the keys of some files gets a space; sorted, durably.
EDITING = r"""
import os, sys
import polars as pl
source, target, share, names = sys.argv[1], sys.argv[2], float(sys.argv[3]), sys.argv[4]
os.makedirs(target, exist_ok=True)
for name in names:
    table = pl.read_csv(f"{source}/{name}.csv", infer_schema=False)
    some = pl.int_range(pl.len()).shuffle(1) < pl.len() * share
    table = table.with_columns(key=pl.when(some).then(pl.col("key") + " ").otherwise("key")).sort("key")
    with open(f"{target}/{name}.csv", "wb") as file:
        table.write_csv(file)
        file.flush()
        os.fsync(file.fileno())
"""


def python(program: str, *arguments: str | Path) -> tuple[Cost, str]:
    """A Python program in a process of its own."""
    return process([sys.executable, "-c", program, *map(str, arguments)])


def counting(systems: Path, *, way: str = "") -> tuple[Cost, dict[str, int]]:
    """The findings of five files, by `way`: DuckDB if it is installed, else Polars."""
    program = {"DuckDB": DUCKDB, "Polars": POLARS}[way or COUNTING]
    cost, said = python(program, systems)
    return cost, json.loads(said)


COUNTING = "DuckDB" if HAS_DUCKDB else "Polars"
