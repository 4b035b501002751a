"""The page of all verbs: each function of `bs`, with the question that it answers.

The questions stand here; names lead to the reference, and examples to the gallery. `mkdocs build`
calls the function that begins with ``on_``.
"""

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from site_pages import place_of

# By group, each verb with its question and, where there is one, its page of the gallery.
VERBS = {
    "Read and fit": {
        "check": ("What would a careful reader say about this table?", "03_weights_and_biases"),
        "fit": ("What law do the runs follow, and how sure is that?", "01_chinchilla_again"),
        "fit_many": ("What do several small ladders of one team say together?", ""),
        "batch": ("How do I fit many tables in one call?", "11_many_fits"),
        "load": ("How do I read a posterior that was saved?", ""),
        "cite": ("Whom do I cite for this result?", ""),
    },
    "Forecast": {
        "forecast": ("What loss will a run reach?", "13_olmo_ladder"),
        "finish": ("Where will a running run end?", "15_running_run"),
        "surface": ("What loss is there at every size and length?", ""),
        "chain": ("What will a run score on a benchmark?", "08_loss_to_pass_at_k"),
        "pass_at_k": ("How many problems do many samples solve?", "08_loss_to_pass_at_k"),
        "unbiased_pass_at_k": (
            "What is pass@k, up to the samples that were drawn?",
            "08_loss_to_pass_at_k",
        ),
    },
    "Plan": {
        "plan": (
            "What do I train with this budget, and what do I run before?",
            "01_chinchilla_again",
        ),
        "allocate": ("How large a model, and how many tokens?", "10_serving"),
        "flat_set": ("Which sizes are nearly as good as the best?", "04_isoflop_plan"),
        "regret": ("What does a plan lose against the best one?", "01_chinchilla_again"),
        "returns": ("What does more compute buy?", ""),
        "next_run": ("Which one more run would tell most?", "06_next_runs"),
        "design": ("Which runs, within a budget, would tell most?", "06_next_runs"),
        "report": ("How do I show a plan to somebody else?", ""),
        "to_table": ("How do I put a result into a paper?", ""),
    },
    "Check": {
        "backtest": ("Would the intervals have held on these runs?", ""),
        "backtest_allocation": ("Would the plans have been right on these runs?", ""),
        "compare": ("Which law forecasts hidden runs best?", ""),
        "stack": ("How do I mix laws by how well they predict?", ""),
        "loo": ("How well is each run predicted by the others?", ""),
        "outliers": ("Which runs look wrong?", "03_weights_and_biases"),
        "sensitivity": ("How far do answers move under other assumptions?", ""),
        "profile": ("Which exponents do the runs allow, without a prior?", ""),
    },
    "Compare": {
        "recipes": ("How much compute does a new recipe save?", "07_two_recipes"),
        "gate": ("Do I change the recipe?", "07_two_recipes"),
        "best_mixture": ("Which shares of the domains are best?", ""),
        "isoflop": ("What do parabolas through the budgets say?", "04_isoflop_plan"),
        "approaches": ("What do the approaches of the Chinchilla paper say?", ""),
    },
}
_INTRODUCTION = """# The verbs

Every function of `bs`, by the question that it answers. A verb takes runs, or the posterior that
`bs.fit` returns, and gives a result that shows itself in a notebook and at a prompt: `summary()` is
a table, `sentences` say it in words, and `problems` say what is wrong with it.

Most verbs are commands too: `bayescale --help`.
"""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    files.append(File.generated(config, "verbs.md", content=page()))
    return files


def page() -> str:
    """Return the page: a table for each group of verbs."""
    import bayescale as bs

    parts = [_INTRODUCTION]
    for group, verbs in VERBS.items():
        rows = ["| verb | question | example |", "| --- | --- | --- |"]
        for name, (question, example) in verbs.items():
            link = f"[`{name}`](reference/functions.md#{place_of(getattr(bs, name))})"
            shown = f"[see it](gallery/{example}.md)" if example else ""
            rows.append(f"| {link} | {question} | {shown} |")
        parts += [f"## {group}", "\n".join(rows)]
    return "\n\n".join(parts) + "\n"
