"""The layers of this host: `layers/NAME/{data,index,resume,clean,lock}` under one folder.

Invariant: a layer claims a piece only if the piece was checked in this session, or in one that ended cleanly and left
a journal that matches the data file.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Self

from dcdist.disk.check import CHECKERS, check
from dcdist.disk.free_space import allocated_bytes, file_system, free_bytes
from dcdist.disk.layer_file import LayerFile
from dcdist.disk.layer_folder import LayerFolder
from dcdist.disk.layer_reader import LayerFileReader
from dcdist.disk.lock import PATIENCE, SIGN_OF_LIFE, HolderWatch, Verdict
from dcdist.disk.private_folder import make_private_folder
from dcdist.disk.signs_of_life import SignsOfLife
from dcdist.disk.system_errors import refusals
from dcdist.disk.threads import Threads
from dcdist.errors import CacheBusyError, DiskError
from dcdist.model.identity import LayerName, is_hex_128
from dcdist.model.pieces import span
from dcdist.model.space import SpaceNeeded
from dcdist.model.trouble import Troubled
from dcdist.ports.layers import LAYERS_FOLDER

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from dcdist.model.layer import Index
    from dcdist.model.pieces import Bits


class DirectoryCache:
    """Implements `Cache` in a folder, which is created when needed. Close it after its layers."""

    def __init__(self, path: Path, *, report: Callable[[Troubled], None] = lambda _: None) -> None:
        """`report` is told what other users of this host could do, or did, to the cache."""
        self._path = path.absolute()
        self._report = report
        self._threads = Threads("dcdist-cache", count=CHECKERS)
        self._watches: dict[LayerName, HolderWatch] = {}
        self._writing: list[LayerFolder] = []
        self._signs_of_life = SignsOfLife(self._touch)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """End the threads. Close the layers first."""
        await self._signs_of_life.end()
        self._threads.close()

    async def make_private(self) -> None:
        """Make the folder if needed, and close it to other users.

        Raises:
            DiskError: Others own it or something that leads to it, or may write there; or the disk refused.
        """
        with refusals(self._path, "make a private folder of"):
            note = await self._threads.run(make_private_folder, self._path)
        if note:
            self._report(Troubled(note, source=str(self._path)))

    async def open(self, index: Index, *, checked: Callable[[int], None] | None = None) -> LayerFile:
        """Open a layer: to read if it is whole and trusted, else to write.

        A writer's data file gets its full length, sparse. `checked` gets the bytes checked so far.

        Raises:
            CacheBusyError: Another process is writing it; try again later.
            DiskFullError: The disk is full.
            DiskError: The disk refused; others may write there; or the process that writes it shows no sign of life.
        """
        folder = self._folder(index.layer)
        have = await self._threads.run(folder.trusted, index)
        if _is_whole(index, have):
            return self._layer(index, folder, have, writer=False)
        try:
            await self._lock(index.layer, folder)
            # The last writer may have finished it since the first look.
            have = await self._threads.run(folder.trusted, index)
            if _is_whole(index, have):
                folder.unlock()
                return self._layer(index, folder, have, writer=False)
            damaged: Bits = 0
            existed, removed = await self._threads.run(folder.begin, index.geometry.length)
            if removed:
                self._report(_fetched_anew(folder.data, removed))
            if have is None and existed:
                have = await check(folder.data, index, self._threads, checked=checked)
                damaged = await self._threads.run(folder.remembered, index) & ~have
        except BaseException:
            folder.unlock()
            raise
        return self._layer(index, folder, have, writer=True, damaged=damaged)

    def reader(self, layer: LayerName) -> LayerFileReader:
        """Open the data of a layer that is in the cache, unchecked; blocks.

        Raises:
            DiskError: There is none, or the disk refused.
        """
        return LayerFileReader(self._folder(layer).data)

    async def complete_layers(self) -> Sequence[LayerName]:
        """The layers that are whole, as recorded at their last clean close, in order of their names."""
        return await self._threads.run(self._complete_layers)

    async def read_index(self, layer: LayerName) -> bytes | None:
        """The index object that `save_index` kept; None if there is none."""
        return await self._threads.run(self._folder(layer).read_index)

    async def save_index(self, layer: LayerName, data: bytes) -> None:
        """Keep a layer's index object, all of it or nothing."""
        await self._threads.run(self._folder(layer).save_index, data)

    async def need(self, lengths: Mapping[LayerName, int]) -> SpaceNeeded:
        """The space for the missing bytes of layers of these lengths (bytes)."""
        return await self._threads.run(self._need, lengths)

    async def _lock(self, layer: LayerName, folder: LayerFolder) -> None:
        holder = await self._threads.run(folder.lock)
        if holder is None:
            self._writing = [each for each in self._writing if each.is_locked]
            self._writing.append(folder)
            self._signs_of_life.begin(SIGN_OF_LIFE)
            return
        who = holder.process or "another process"
        verdict = self._watches.setdefault(layer, HolderWatch()).judge(holder, asyncio.get_running_loop().time())
        if verdict is Verdict.GIVE_UP:
            raise DiskError(
                f"layer {layer} in {self._path} is being written by {who}, which has shown no sign of life for "
                f"{PATIENCE:.0f} s; end that process, or use another folder",
                path=str(folder.lock_path),
            )
        if verdict is Verdict.REPLACE:
            await self._threads.run(folder.break_lock)
        raise CacheBusyError(
            f"layer {layer} in {self._path} is being written by {who}; wait until it ends, or use another folder",
            path=str(folder.lock_path),
        )

    def _touch(self) -> None:
        for folder in list(self._writing):
            folder.touch()

    def _folder(self, layer: LayerName) -> LayerFolder:
        if not is_hex_128(layer):
            raise DiskError(
                f"{layer!r} is not the name of a layer: it has no folder in the cache", path=str(self._path)
            )
        return LayerFolder(self._path / LAYERS_FOLDER / layer)

    def _layer(
        self, index: Index, folder: LayerFolder, have: Bits | None, *, writer: bool, damaged: Bits = 0
    ) -> LayerFile:
        return LayerFile(index, folder, have or 0, writer=writer, threads=self._threads, damaged=damaged)

    def _complete_layers(self) -> list[LayerName]:
        with refusals(self._path, "list the layers in"):
            try:
                names = sorted(filter(is_hex_128, os.listdir(self._path / LAYERS_FOLDER)))
            except FileNotFoundError:
                return []
        layers = map(LayerName, names)
        return [layer for layer in layers if self._folder(layer).says_complete()]

    def _need(self, lengths: Mapping[LayerName, int]) -> SpaceNeeded:
        with refusals(self._path, "look for free space in"):
            needed = sum(
                max(0, length - allocated_bytes(self._folder(layer).data)) for layer, length in lengths.items()
            )
            return SpaceNeeded(str(self._path), file_system(self._path), needed, free_bytes(self._path))


def _is_whole(index: Index, have: Bits | None) -> bool:
    return have == span(0, index.geometry.piece_count)


def _fetched_anew(data: Path, removed: str) -> Troubled:
    return Troubled(f"{data} was not taken for this host's own: {removed}; the layer is fetched anew", source=str(data))
