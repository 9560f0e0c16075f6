def handler(context, event):
    what = event.body.decode()
    if what == "name":
        context.send("", "x")
    elif what == "key":
        context.send("next", "x", key=7)
    elif what == "delay":
        context.send("next", "x", delay=-1)
    else:
        context.send("next", {"x": float("inf")})
