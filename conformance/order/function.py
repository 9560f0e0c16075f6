seen = []


def handler(context, event):
    seen.append(event.body.decode())
    return ",".join(seen)
