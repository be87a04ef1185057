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


def setup(app):
    """Let Napoleon keep the text before a colon in the first line of an attribute's docstring.

    It takes that text for the type of the attribute. An empty comment becomes the first line.
    """
    app.connect("autodoc-process-docstring", _start_attribute_with_comment, priority=400)  # Napoleon has 500


def _start_attribute_with_comment(app, what, name, obj, options, lines):
    if what in ("attribute", "data", "property"):
        lines[:0] = ["..", ""]
