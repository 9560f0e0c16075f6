def handler(context, event):
    headers = {f"x-back-{name[5:]}": value for name, value in event.headers.items() if name.startswith("x-in-")}
    return context.Response(headers=headers, body=str(len(headers)))
