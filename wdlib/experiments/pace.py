"""How many steps a time buys: a budget of time as steps, which are the same on any machine.

The paces were measured once, on one core (``python -m wdlib table pace``), and stand in
results/pace.csv. A cell that is given its steps can then run anywhere, a GPU included, and still
has the budget that it would have had on that core.
"""

from __future__ import annotations

from wdlib.experiments.results import result_file
from wdlib.experiments.table_files import read_table

BUDGET = 480.0  # seconds of one core that a cell of table 2 is worth; two run side by side


def paces() -> dict[tuple[str, str, str], float]:
    """(task, method, recipe) -> steps that a second of one core bought; empty where there is no
    file. A method whose recipe has changed since has no pace until it is measured again."""
    path = result_file("pace")
    rows = read_table(path) if path else ()
    return {
        (row["dataset"], row["method"], row["recipe"]): row["value"]
        / float(row["budget"].removesuffix(" s"))
        for row in rows
        if row["score"] == "fit_steps"
    }
