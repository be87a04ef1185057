"""Sphinx configuration: ``make docs`` builds the site into ``site/``, warnings are errors."""

from mdhr import __version__

project = "mdhr"
version = release = __version__
author = "the mdhr maintainers"
project_copyright = "the mdhr maintainers, MIT license"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = ["_templates"]
exclude_patterns = ["pictures", "_templates"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"mdhr {release}"

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # signatures with jaxtyping shapes are unreadable; docstrings state shapes
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_google_docstring = True
napoleon_numpy_docstring = False
