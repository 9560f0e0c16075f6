def inner(text):
    raise ValueError(f"bad input: {text}")


def handler(context, event):
    if event.body == b"fail":
        inner("fail")
    if event.body == b"exit":
        raise SystemExit(3)
    return "fine"
