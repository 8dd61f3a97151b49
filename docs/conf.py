"""Sphinx configuration; `tox -e docs` builds with warnings as errors and needs no network."""

import os
import runpy
import sys
from pathlib import Path

from sklift._core._version import __version__

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from _links import write_inventories  # noqa: E402 -- the line above is what finds it

project = "scikit-lift"
author = "The sklift developers"
copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
    "_mathml",
]
html_math_renderer = "mathml"
exclude_patterns = ["_build"]
templates_path = ["_templates"]

autosummary_generate = True
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings say the types, with their shapes
autodoc_default_options = {
    # scikit-learn attaches these; their docstrings refer to pages of its own documentation.
    "exclude-members": "set_fit_request, set_partial_fit_request, set_score_request, "
    "set_predict_request, "
    "set_predict_proba_request, set_decision_function_request, set_transform_request, "
    "get_metadata_routing, set_output"
}

intersphinx_mapping = write_inventories(HERE / "generated" / "inventories")
runpy.run_path(str(HERE.parent / "tools" / "draw_house_plan.py"))["main"](
    HERE / "generated" / "house_plan.svg"
)

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "within_subsection_order": "_gallery.GalleryOrder",
    "download_all_examples": False,
    "show_memory": False,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["narrow.css"]
html_js_files = ["filter.js"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": f"scikit-lift {version}"},
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": {"**": ["page-toc"], "guide/inside": []},  # the plan is wide
}

if site := os.environ.get("SKLIFT_DOCS_SITE"):  # versions side by side: <site>/<version>/index.html
    html_theme_options |= {
        "switcher": {"json_url": f"{site}/versions.json", "version_match": version},
        "check_switcher": False,  # a build needs no network
        "navbar_start": ["navbar-logo", "version-switcher"],
    }
