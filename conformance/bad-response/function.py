def handler(context, event):
    return context.Response(body="x", status_code=int(event.body))
