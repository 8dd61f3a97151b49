"""The order of the gallery."""

from __future__ import annotations

from sphinx_gallery.sorting import FileNameSortKey

ORDER = [
    "quickstart",
    "ladder",
    "folder",
    "fixed_features",
    "heavy_or_light",
    "losses",
    "adapters",
    "which_rank",
    "prompts",
    "training_curves",
    "grid_search",
    "test_time_ensembling",
    "deployment_prior",
    "calibration",
    "prediction_sets",
    "mistakes",
    "multilabel",
    "your_own",
]


class GalleryOrder(FileNameSortKey):
    """Quickstart first, then from data to recipes to what comes after training."""

    def __call__(self, filename):
        """The place of an example."""
        return ORDER.index(str(filename).removeprefix("plot_").removesuffix(".py"))
