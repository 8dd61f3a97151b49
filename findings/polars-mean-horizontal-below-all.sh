#!/usr/bin/env bash
# polars 2.1.0: what is pl.mean_horizontal of two columns of uint8 that hold 200 and 250?
#
# One would guess: 225. The result is a float, and Expr.mean, list.mean, arr.mean and group means of
# uint8 are right whatever they sum up to.
# Seen: 97, less than both. The columns are added in uint8, where they wrap, and the result is divided by
# their number; of int8, 100 and 120 have the mean -18. DataFrame.mean_horizontal does the same.
# pl.sum_horizontal wraps as well, while sum and cum_sum make small integers larger first.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "polars==2.1.0"
"$folder/venv/bin/python" - <<'PY'
import polars as pl

for kind, values, right, seen in ((pl.UInt8, [200, 250], 225, 97), (pl.Int8, [100, 120], 110, -18)):
    frame = pl.DataFrame({"a": values[:1], "b": values[1:]}, schema={"a": kind, "b": kind})
    column = pl.Series(values, dtype=kind)
    found = {
        "mean_horizontal": frame.select(pl.mean_horizontal("a", "b")).item(),
        "DataFrame.mean_horizontal": frame.mean_horizontal().item(),
        "mean of a column": column.mean(),
        "list.mean": pl.Series([values], dtype=pl.List(kind)).list.mean().item(),
        "arr.mean": pl.Series([values], dtype=pl.Array(kind, 2)).arr.mean().item(),
    }
    print(kind, values, found)
    wrong = {name for name, value in found.items() if value != right}
    assert wrong == {"mean_horizontal", "DataFrame.mean_horizontal"}, "changed"
    assert {found[name] for name in wrong} == {seen}, "changed"
    assert column.sum() == 2 * right == column.cum_sum()[-1]
PY
