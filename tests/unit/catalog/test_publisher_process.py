"""Whether the process of a publish is gone."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace

from dcdist.catalog.publisher_process import is_gone, this_process


def test_this_process_is_told_apart_from_an_earlier_one_with_its_number() -> None:
    here = this_process()

    assert here == this_process()
    assert here.pid == os.getpid()
    assert here.started > 0
    assert not is_gone(here, here)
    assert is_gone(replace(here, started=here.started - 1), here)


def test_a_process_that_ended_is_gone() -> None:
    here = this_process()
    imported = "from dcdist.catalog.publisher_process import this_process"
    code = f"{imported}; print(this_process().pid, this_process().started)"
    with subprocess.Popen([sys.executable, "-c", f"{code}; input()"], stdin=-1, stdout=-1, text=True) as child:
        assert child.stdout is not None
        pid, started = map(int, child.stdout.readline().split())
        other = replace(here, pid=pid, started=started)
        assert not is_gone(other, here)
        child.communicate("\n")

    assert is_gone(other, here)


def test_another_boot_of_this_host_is_gone_and_of_another_host_nothing_is_known() -> None:
    here = this_process()

    assert is_gone(replace(here, boot="before"), here)
    assert not is_gone(replace(here, host="elsewhere", boot="before"), here)
    assert not is_gone(replace(here, host="elsewhere", pid=1), here)
