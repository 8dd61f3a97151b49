"""The command ``python -m sklift``, the same as ``sklift``."""

from __future__ import annotations

import sys

from sklift._commands import main

if __name__ == "__main__":
    sys.exit(main())
