"""My CSV from W&B

You have a table of runs, exported from Weights & Biases. Give bayescale the file as it is. It says
what it understood, what it left out, and which run looks wrong.

The table is simulated from the fit of Hoffmann et al. 2022. One run crashed, and the learning rate
of another was wrong.
"""

# %%
# The text could as well be a path: `bs.Runs.read("wandb_export.csv")`.
import bayescale as bs

export = """"Name","State","Runtime","Params (M)","Tokens (B)","val/loss"
"quiet-sun-1","finished","1250","20","0.4","4.393"
"warm-sea-2","finished","2480","20","0.8","4.088"
"late-owl-3","finished","4990","20","1.6","3.838"
"calm-elm-4","finished","3020","50","1","3.898"
"dry-moss-5","crashed","611","50","2","9.910"
"slow-fox-6","finished","6105","50","2","3.625"
"dark-oak-7","finished","12150","50","4","3.432"
"new-moon-8","finished","14110","120","2.4","3.522"
"odd-crow-9","finished","28400","120","4.8","3.702"
"wise-hen-10","finished","56230","120","9.6","3.115"
"old-hill-11","finished","71000","300","6","3.143"
"red-lake-12","finished","142100","300","12","2.955"
"big-wolf-13","finished","283900","300","24","2.801"
"""
runs = bs.Runs.read(export, name="my runs")
print(*runs.notes, sep="\n")

# %%
# What would a careful reader say about the table?
bs.check(runs)

# %%
# Which runs does the fit doubt? The noise model has heavy tails, so one bad run does not drag
# the law along.
post = bs.fit(runs, noise=bs.noise.StudentT())
suspects = bs.outliers(post).frame
suspects.sort_values("probability", ascending=False).head(3)

# %%
bs.plots.outliers(post)
