"""Sphinx configuration; `tox -e docs` builds with warnings as errors and needs no network."""

from sklift._version import __version__

project = "scikit-lift"
author = "The sklift developers"
copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_copybutton",
    "sphinx_gallery.gen_gallery",
]
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

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"plot_",
    "download_all_examples": False,
    "show_memory": False,
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
copybutton_exclude = ".linenos, .gp, .go"

html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "scikit-lift"},
    "navigation_with_keys": False,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
}
