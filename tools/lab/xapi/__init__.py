"""A stand-in for xapi, XenServer's management daemon: it takes virtual machines as xapi does, and keeps their disks.

    from tools.lab.xapi.stand_in import Xapi

    with Xapi(directory) as xapi:
        xapi.url, xapi.certificate, xapi.environment    # where, whom to trust, XAPI_USER and XAPI_PASSWORD
        xapi.imports("web")                             # what became of each import of that VM, with its raw disks
        xapi.order(Fault(error=("SR_FULL", "1", "0"), at=1_000_000))

It speaks HTTP on plain sockets, since what a client must withstand lies there: an answer before the body, a body that
is read to its last block and no further, a reset at the end. An HTTP server that is a library does none of it.

The rules are those of xapi-project/xen-api at e2ee48d; each module names the files that it follows. From bottom to top:
`failures`; `tar_header`, `description`, `archive`, `compression` (an XVA, no I/O); `database`, `calls` (XML-RPC);
`options`, `orders`, `import_log` (what both processes know); `wire`, `body`, `disks`, `site`, `admission`, `importing`,
`serving`, `process` (the server); `stand_in` (the caller's side).
"""
