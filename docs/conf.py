"""Settings of the documentation site: Sphinx, Furo and MyST over the Markdown files as they are.

`make docs` builds it into docs/_build. The source folder is the root of the repository, so that
links to README.md and to pictures of results work here as they do on a code host.
"""

import dataclasses
import inspect
import os
import pathlib
import re

os.environ["KERAS_BACKEND"] = "numpy"  # enough to read docstrings, and small

import keras_crosspool

project = keras_crosspool.__name__
version = release = keras_crosspool.__version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
root_doc = "docs/index"
include_patterns = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/**.md"]
exclude_patterns = [".*", "*.egg-info", "build", "data", "docs/_build", "keras_crosspool", "tests"]
nitpicky = True
nitpick_ignore = [("py:exc", "numpy.linalg.LinAlgError")]

myst_heading_anchors = 4  # the anchors of a code host

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_extra_path = ["site/index.html"]  # leads to docs/index.html
html_static_path = ["site/site.css"]
html_css_files = ["site.css"]

default_role = "code"  # a name between single backticks
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"
autodoc_preserve_defaults = True
autodoc_mock_imports = ["PIL", "jax", "scipy", "tensorflow"]
napoleon_numpy_docstring = False
napoleon_attr_annotations = False
napoleon_use_rtype = False
napoleon_custom_sections = [
    ("Attributes", "params_style"),
    "Input shape",
    "Output shape",
    "Reference",
]


def add_toctrees(app, docname, source):
    """Adds to the index a hidden toctree a section, of the pages that the section lists."""
    if docname != root_doc:
        return
    for section in re.split(r"^## ", source[0], flags=re.MULTILINE)[1:]:
        pages = re.findall(r"^(?:\d+\.|-) \[([^]]+)\]\(([^)]+)\)", section, re.MULTILINE)
        entries = "\n".join(f"{title} <{page}>" for title, page in pages)
        caption = section.splitlines()[0]
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def show_folders_as_text(app, doctree):
    """Keeps the text alone of a link to a folder of the repository: it is no part of the site."""
    from sphinx import addnodes

    page = pathlib.Path(doctree["source"])
    for link in list(doctree.findall(addnodes.pending_xref)):
        if "/" in link["reftarget"] and (page.parent / link["reftarget"]).is_dir():
            link.replace_self(link.children)


def show_arguments(app, what, name, item, options, signature, returns):
    """Shows the arguments of a layer or a model, which Keras hides behind those of `__new__`.

    A dataclass lists its attributes; those are enough.
    """
    if what == "class" and dataclasses.is_dataclass(item):
        return "", returns
    if what != "class" or signature != "(*args, **kwargs)":
        return None
    _, *parameters = inspect.signature(item.__init__).parameters.values()
    return str(inspect.Signature(parameters)), returns


def setup(app):
    """Called by Sphinx."""
    app.connect("source-read", add_toctrees)
    app.connect("doctree-read", show_folders_as_text)
    app.connect("autodoc-process-signature", show_arguments)
