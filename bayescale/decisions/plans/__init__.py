"""Plans: how large a model, how many tokens, which runs next, under budgets and bounds."""
