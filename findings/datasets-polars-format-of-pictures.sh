#!/usr/bin/env bash
# datasets 5.2.0: does the format "polars" give the rows of a data set that has a column of pictures?
#
# One would guess: as the format "pandas" does, with decoded pictures, or as to_polars() does, with the
# content of the files.
# Seen: TypeError: 'dict' object is not callable. The decoder of the column passes polars a dict of
# functions where it takes one function. A data set without pictures, or without them selected, is fine.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "datasets==5.2.0" "polars==2.1.0" "pillow==13.0.0"
HF_HOME="$folder" HF_HUB_OFFLINE=1 "$folder/venv/bin/python" - <<'PY'
import numpy as np
from datasets import Dataset, Features, Image, Value

columns = {"image": [np.full((8, 8, 3), i, np.uint8) for i in range(2)], "label": [0, 1]}
data = Dataset.from_dict(columns, features=Features({"image": Image(), "label": Value("int64")}))
print("pandas:", data.with_format("pandas")[:].shape)
print("to_polars:", data.to_polars().shape)
print("polars, labels alone:", data.select_columns("label").with_format("polars")[:].shape)
try:
    data.with_format("polars")[:]
except TypeError as error:
    print("polars:", error)
    assert "'dict' object is not callable" in str(error), "changed"
else:
    raise SystemExit("changed: it gives rows")
PY
