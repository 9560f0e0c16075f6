VALUES = {
    "text": "plain",
    "bytes": b"\xff\x00",
    "dict": {"a": [1, 2.5, None, True]},
    "list": ["one", 2],
    "status": (404, "not here"),
    "status-json": (202, {"queued": True}),
}


def handler(context, event):
    return VALUES[event.path[1:]]
