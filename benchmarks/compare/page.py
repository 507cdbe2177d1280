"""A comparison as one HTML page that needs nothing else: figures inside, light and dark, wide and narrow."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from benchmarks.compare.scenarios import OWN_TIME, SUMMARIES
from benchmarks.compare.summary import rows, scenarios_of
from benchmarks.compare.table import HEAD, cells
from benchmarks.compare.versus import BEFORE, sentence, versus

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.compare.outcome import Comparison
    from benchmarks.compare.summary import Row

_STYLE = """
:root { color-scheme: light dark; --text: #1b1f24; --quiet: #59636e; --back: #ffffff; --line: #d8dee4;
  --ours: #e8f2fa; }
@media screen and (prefers-color-scheme: dark) {
  :root { --text: #e6edf3; --quiet: #9aa5b1; --back: #11161c; --line: #30363d; --ours: #14283a; }
}
/* Light turns dark and hues stay. */
@media screen and (prefers-color-scheme: dark) { .figure svg { filter: invert(1) hue-rotate(180deg); } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem 1rem 4rem; max-width: 62rem; background: var(--back); color: var(--text);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem; } h2 { margin: 2.6rem 0 .4rem; font-size: 1.25rem; }
p.quiet, dl, figcaption { color: var(--quiet); }
.figure { border: 1px solid var(--line); border-radius: 8px; padding: .5rem; margin: .8rem 0; }
.figure svg { width: 100%; min-width: 40rem; height: auto; display: block; }
.figure, .wide { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; width: 100%; }
th, td { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
tr.ours td { background: var(--ours); } tr.first td { border-top: 2px solid var(--line); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; font-size: .9rem;
  overflow-wrap: anywhere; }
dt { font-weight: 600; } dd { margin: 0; }
"""
_READING = """
<p>The <b>limit</b> is the time that no way of distribution can beat on these links, T = max(F/s, F/d, N F/(s + N
u)) for F bytes, a store that sends s, and N hosts that send u and receive d bytes a second (Kumar and Ross, 2006).
The rates are what one plain TCP download reached on such a link in this run. A <b>copy</b> is what one plain
download of the release's layers costs at the store's interface; <b>least</b> is the fewest copies that the store
must send for the limit. All bytes are counted at the interfaces, all times run from the start signal to the
complete, checked and synced file. Hosts that are done go on serving until the last one is.</p>
<p>In <i>staggered</i> and <i>late-joiner</i> each host is measured against its own F/d, and the worst one counts.
In <i>one-slow-host</i> only the others' time
counts; the slow one's stands beside. In <i>update</i>, F and a copy are what version 2 adds.</p>
"""


def render(comparison: Comparison, figures: Mapping[str, str]) -> str:
    """The page; `figures` are SVG texts: `overview`, and one for each scenario."""
    found = rows(comparison)
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>dcdist: comparison</title><style>{_STYLE}</style></head><body>",
        "<h1>How fast, next to the limit?</h1>",
        f'<p class="quiet">{escape(_subtitle(comparison))}</p>',
        *(f"<p>{escape(said)}</p>" for said in (*findings(found), *map(sentence, versus(found)))),
        f'<div class="figure">{figures["overview"]}</div>',
        f'<div class="wide">{_table(found)}</div>',
        "<h2>How to read it</h2>",
        _READING,
    ]
    for name in scenarios_of(comparison):
        parts += [f"<h2>{escape(name)}</h2>", f'<p class="quiet">{escape(SUMMARIES.get(name, ""))}</p>']
        parts.append(f'<div class="figure">{figures[name]}</div>')
        parts += _slow_host(found, name)
        parts += [f"<p>{escape(row.title)} failed: {escape(_short(row))}</p>" for row in found if _failed(row, name)]
    parts += ["<h2>The run</h2>", _facts(comparison), "</body></html>"]
    return "\n".join(parts) + "\n"


def findings(found: list[Row]) -> list[str]:
    """What the figures say, a sentence for each scenario: every way of running dcdist, then the quickest other way.

    None is chosen for being the better one, and a failure is said: a headline must not flatter.
    """
    said = []
    for name in dict.fromkeys(row.scenario for row in found):
        here = [row for row in found if row.scenario == name]
        ours = sorted((row for row in here if row.contender.startswith("dcdist")), key=lambda row: row.contender)
        others = [row for row in here if not _is_dcdist(row)]
        if ours and others:
            told = "; ".join(f"{row.title} {_reached(row)}" for row in ours)
            said.append(f"{name}: {told}; the quickest other way, {others[0].title}, {_reached(others[0])}.")
    return said


def _is_dcdist(row: Row) -> bool:
    """Whether it runs dcdist, of this checkout or of another."""
    return row.contender.startswith("dcdist") or row.contender in BEFORE


def _reached(row: Row) -> str:
    if row.over_limit is None or row.copies is None:
        return "failed" if row.called_off is None else f"was called off at {row.called_off:g} times the limit"
    some = f" ({row.failed} of {row.rounds} rounds failed)" if row.failed else ""
    limit = "a host's own F/d" if row.scenario in OWN_TIME else "the limit"
    return f"needs {row.over_limit.median:.2f} times {limit} and {row.copies.median:.2f} copies{some}"


def _slow_host(found: list[Row], name: str) -> list[str]:
    told = [f"{row.title} {row.apart.median:.2f}" for row in found if row.scenario == name and row.apart is not None]
    return [f"<p>The slow host, over its own F/d: {escape(', '.join(told))}.</p>"] if told else []


def _subtitle(comparison: Comparison) -> str:
    about = comparison.about
    rounds = about.get("rounds", "?")
    counted = "one round" if rounds == "1" else f"median (least-most) of {rounds} rounds, where hosts trade"
    return (
        f"{about.get('hosts', '?')} hosts of {about.get('host link', '?')}, a store of {about.get('store link', '?')}, "
        f"{about.get('image', '?')}; {counted}"
    )


def _table(found: list[Row]) -> str:
    lines = ["<table><thead><tr>", *(f"<th>{escape(name)}</th>" for name in HEAD), "</tr></thead><tbody>"]
    last = None
    for row in found:
        kinds = ["ours"] if row.contender.startswith("dcdist") else []
        if row.scenario != last:
            kinds.append("first")
        last = row.scenario
        data = "".join(f"<td>{escape(cell)}</td>" for cell in cells(row))
        lines.append(f'<tr class="{" ".join(kinds)}">{data}</tr>')
    return "".join([*lines, "</tbody></table>"])


def _facts(comparison: Comparison) -> str:
    facts = dict(comparison.about)
    facts |= {comparison.titles.get(name, name): version for name, version in comparison.versions.items()}
    for bits, rate in comparison.rates.items():
        facts[f"plain TCP on {float(bits) / 1e6:g} Mbit/s"] = f"{rate / 1e6:.2f} MB/s of payload"
    listed = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts.items())
    return f"<dl>{listed}</dl>"


def _failed(row: Row, scenario: str) -> bool:
    return row.scenario == scenario and row.failure is not None


def _short(row: Row) -> str:
    return (row.failure or "").strip()[-400:]
