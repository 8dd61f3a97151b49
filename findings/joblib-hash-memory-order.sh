#!/usr/bin/env bash
# joblib 1.5.3, numpy 2.4.6: is joblib.hash a function of an array's values?
#
# One would guess: yes, "array equality" as a cache key wants it; two arrays that are equal, of one
# dtype and shape, have one hash.
# Seen: the strides count. The same matrix in C and in Fortran order has two hashes, as have an array
# and an equal slice of a wider one; copies in C order have the first one's again. So a cache by
# joblib.hash misses for pandas' and for transposed data, and computes again.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "joblib==1.5.3" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import joblib
import numpy as np

a = np.arange(12.0).reshape(3, 4)
f = np.asfortranarray(a)
wide = np.hstack([a, a])
part = wide[:, :4]
rows = {
    "the same in Fortran order": (a, f),
    "a slice of a wider array": (a, part),
}
for name, (one, other) in rows.items():
    assert np.array_equal(one, other)
    same = joblib.hash(one) == joblib.hash(other)
    print(f"{name}: {'same hash' if same else 'another hash'}")
    if same:
        raise SystemExit("changed: equal values have one hash")
assert joblib.hash(a) == joblib.hash(np.ascontiguousarray(f)) == joblib.hash(np.ascontiguousarray(part))
print("copies in C order: same hash")
PY
