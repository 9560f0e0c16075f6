def handler(context, event):
    raise RuntimeError(event.body.decode())
