"""The words of dcdist as values: names, geometry, sets of pieces, and the parts of a release.

- release: `demo@version`; manifest: its signed description; image: one XVA (or other) file;
- chunk: a run of an image's plain bytes, found by its SHA-256, the unit of sharing between versions;
- frame: one zstd frame with a run of new chunks, the unit of compression and of checking;
- layer: an immutable bundle of frames, at most 4 GiB; one layer is one torrent;
- plain offset: a position in the concatenation of a layer's unpacked frames;
- extent: a run of an image's bytes, taken from one layer's plain bytes, or zeros;
- index: a layer's frame table and piece hashes;
- segment: one object in the store with a run of a layer; stripe: pieces drawn by one range request;
- piece: BitTorrent's unit of a layer.

All lengths and offsets are bytes. Nothing here does I/O or knows a clock.
"""
