"""Targets of ``tools/fuzz_guided.py``, one file for each.

A file has a class ``Target(folder)``, which may write below the folder, with these methods:

``seeds()``
    A list of valid inputs.
``mutate(data, draw)``
    A changed input, by a ``random.Random`` and knowledge of the format.
``attempt(data)``
    The outcome: "works", "refused", or a text that begins with a word in capitals and a colon.
``change()``
    A text if anything outside of the inputs has changed in the end, else an empty one.

Its attribute ``blind`` is the share of changes that atheris makes without knowledge of the format.
Beside sklift, the packages of the literal list ``READERS`` are watched, and the functions
``watched``, pairs of an owner and a name, of packages that are too large for that.
"""
