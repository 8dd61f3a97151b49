"""Where, how precisely and how much at once is computed, and from which seed."""
