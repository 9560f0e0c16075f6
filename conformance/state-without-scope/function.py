def handler(context, event):
    if event.body == b"write":
        context.state = {"n": 1}
    return context.state
