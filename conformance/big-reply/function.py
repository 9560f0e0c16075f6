def handler(context, event):
    return "x" * int(event.body)
