def handler(context, event):
    return [event.key, event.caller]
