"""The one place that holds the version: packaging, docs and ``sklift.__version__`` read it."""

__version__ = "0.1.0.dev0"
