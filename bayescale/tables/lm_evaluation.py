"""Results of lm-evaluation-harness as records: one file is one model."""

import re
from collections.abc import Mapping

from bayescale.tables.cells import Cell

_PRETRAINED = re.compile(r"pretrained=([^,]+)")


def is_results(value: Mapping[str, object]) -> bool:
    """Return whether an object is what the harness writes: metrics by task, and how they came."""
    results = value.get("results")
    if not isinstance(results, Mapping) or not results:
        return False
    by_task = all(isinstance(metrics, Mapping) for metrics in results.values())
    return by_task and not value.keys().isdisjoint({"config", "versions", "model_name", "configs"})


def record_of_results(value: Mapping[str, object]) -> dict[str, Cell]:
    """Return one record: the model, its parameters where the harness counted them, and each metric
    as ``task/metric``.
    """
    config = value.get("config")
    config = config if isinstance(config, Mapping) else {}
    record: dict[str, Cell] = {"model": _model(value, config)}
    count = config.get("model_num_parameters")
    if isinstance(count, int | float) and count > 0:
        record["n_params"] = float(count)
    results = value["results"]
    assert isinstance(results, Mapping)
    for task, metrics in results.items():
        for metric, number in metrics.items():
            if isinstance(number, int | float) and "stderr" not in metric:
                record[f"{task}/{metric.removesuffix(',none')}"] = float(number)
    return record


def _model(value: Mapping[str, object], config: Mapping[str, object]) -> str | None:
    name = value.get("model_name") or config.get("model_args") or config.get("model")
    found = _PRETRAINED.search(str(name))
    return found[1] if found else None if name is None else str(name)
