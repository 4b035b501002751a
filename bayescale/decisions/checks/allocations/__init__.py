"""Parts of the allocation's backtest: optima of budgets, cuts, forecasters and scores."""
