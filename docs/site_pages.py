"""Pages of the site that are made when it is built: those of the root, and the reference.

The root's README, ARCHITECTURE, CHANGELOG and CONTRIBUTING become pages, with links between them
and the documents. The reference has every public name of the package, in the group that it belongs
to. `mkdocs build` calls the functions that begin with ``on_``.
"""

import inspect
import json
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
OF_ROOT = {
    "README.md": "index.md",
    "ARCHITECTURE.md": "architecture.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
GROUPS = {
    "laws": "Laws",
    "noise": "Noise models",
    "processes": "Processes",
    "priors": "Priors",
    "plots": "Figures",
    "kernels": "Kernels",
    "datasets": "Data sets",
}
# A script of another host that lets a folder be searched; `on_post_build` writes one in its place.
_SHIM = '<script src="https://unpkg.com/iframe-worker/shim"></script>'
_OURS = "assets/javascripts/search_in_folder.js"
_LINK = re.compile(r"\[(?P<text>[^\[\]]*)\]\((?P<target>[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the root and of the reference."""
    for name, page in OF_ROOT.items():
        text = (ROOT / name).read_text(encoding="utf-8")
        files.append(File.generated(config, page, content=with_links(text, "docs/")))
    for page, text in reference().items():
        files.append(File.generated(config, f"reference/{page}.md", content=text))
    return files


def on_page_markdown(markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Return a document with links that leave the documents mended."""
    return with_links(markdown, "") if page.file.generated_by is None else markdown


def on_post_page(output: str, /, *, page: Page, config: MkDocsConfig) -> str:
    """Return the HTML of a page without the script of another host."""
    up = "../" * page.url.count("/")
    return output.replace(_SHIM, f'<script src="{up}{_OURS}"></script>')


def on_post_build(*, config: MkDocsConfig) -> None:
    """Write the script by which a site that is opened from a folder can be searched.

    Browsers start no worker from a file, but from a text: that of the search's own worker.
    """
    scripts = Path(config.site_dir, "assets/javascripts/workers")
    (worker,) = scripts.glob("search.*.min.js")
    text = json.dumps(worker.read_text(encoding="utf-8"))
    Path(config.site_dir, _OURS).write_text(
        f"""if (location.protocol === "file:") {{
  const ofFile = window.Worker
  const text = {text}
  window.Worker = function () {{
    return new ofFile(URL.createObjectURL(new Blob([text], {{ type: "text/javascript" }})))
  }}
}}
""",
        encoding="utf-8",
    )


def with_links(text: str, documents: str) -> str:
    """Return a text whose links lead to pages of the site; of one to another file of the project,
    such as a source, its text is left.

    Parameters
    ----------
    text : str
    documents : str
        How the text names the folder of documents, before each of them.
    """

    def mended(link: re.Match[str]) -> str:
        text, anchor = link["text"], link["anchor"] or ""
        page = page_at(link["target"])
        return text if page is None else f"[{text}]({page}{anchor})"

    def page_at(target: str) -> str | None:
        name = target.removeprefix("../")
        if name in OF_ROOT:
            return OF_ROOT[name]
        inside = target.removeprefix(documents)
        if inside.startswith("gallery/") and inside.endswith(".py"):
            return inside.removesuffix(".py") + ".md"
        if inside == "gallery":
            return "gallery/index.md"
        return None if inside == target and (ROOT / name).exists() else inside

    return _LINK.sub(mended, text)


def reference() -> dict[str, str]:
    """Return the pages of the reference: the public names of each group."""
    import bayescale as bs

    pages = {
        name: page_of(title, f"bs.{name}", members(getattr(bs, name)))
        for name, title in GROUPS.items()
    }
    functions, methods, results = [], [], []
    for name in bs.__all__:
        value = getattr(bs, name)
        if inspect.isfunction(value):
            functions.append(place_of(value))
        elif inspect.isclass(value) and value.__module__.startswith("bayescale.inference"):
            methods.append(place_of(value))
        elif inspect.isclass(value):
            results.append(place_of(value))
    pages["functions"] = page_of("Functions", "bs", functions)
    pages["methods"] = page_of("Methods", "bs", methods)
    pages["results"] = page_of("Results and runs", "bs", results)
    return pages


def members(package: object) -> list[str]:
    """Return where the public functions and classes of a package are defined."""
    values = (getattr(package, name) for name in dir(package) if not name.startswith("_"))
    return [
        place_of(value) for value in values if inspect.isfunction(value) or inspect.isclass(value)
    ]


def place_of(value: object) -> str:
    """Return the module and the name of a function or a class."""
    function = inspect.unwrap(value) if inspect.isfunction(value) else value
    return f"{function.__module__}.{function.__qualname__}"


def page_of(title: str, prefix: str, places: list[str]) -> str:
    """Return a page with an entry for each place."""
    entries = (f"::: {place}" for place in dict.fromkeys(places))
    return "\n\n".join([f"# {title}", f"Names of `{prefix}`.", *entries]) + "\n"
