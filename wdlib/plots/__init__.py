"""Figures for the notebooks. Each function takes arrays and returns a figure with its alt text.

As the last line of a cell, a figure displays itself; ``show`` displays any other figure. Nothing is
computed here beyond layout and the plane onto which a partition is projected.
"""
# ruff: noqa: F401

from wdlib.plots.curves import curve_panels, curves, history
from wdlib.plots.figure import MARKERS, PALETTE, Described, show
from wdlib.plots.images import image_grid, image_rows, judged_strips, pixels, sweep, words
from wdlib.plots.islands import bin_map, clouds, ellipse, moves, nets, partition_maps, plane
from wdlib.plots.names import spread, write
from wdlib.plots.scores import dots, heat_maps, nested
