"""How all plots of the benchmarks look: matplotlib's parameters; and how they become SVG."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import matplotlib as mpl

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from matplotlib.figure import Figure

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "axes.axisbelow": True,
    "axes.facecolor": "none",
}


def styled() -> AbstractContextManager[None]:
    """Plots that are made within look so."""
    # Its types name every parameter one by one, and take no dictionary with plain keys.
    return mpl.rc_context(_STYLE)  # type: ignore[arg-type]


def svg(figure: Figure) -> str:
    """A figure as an SVG element with nothing behind it; the same data give the same text."""
    out = io.StringIO()
    # The salt counts while saving: without it names inside differ each time.
    with mpl.rc_context({"svg.hashsalt": "dcdist"}):
        figure.savefig(out, format="svg", facecolor="none", metadata={"Date": None})
    text = out.getvalue()
    return text[text.index("<svg") :]
