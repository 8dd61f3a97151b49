"""Jobs that write files, and the faults that meet them; see ``tools/break_and_compare.py``."""
