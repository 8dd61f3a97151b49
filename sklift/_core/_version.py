"""The version. Packaging, docs and ``sklift.__version__`` read it from here."""

__version__ = "0.1.0.dev0"
