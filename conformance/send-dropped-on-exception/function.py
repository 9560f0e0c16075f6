def handler(context, event):
    context.send("next", "now")
    context.state["n"] = 1
    if event.body == b"raise":
        raise ValueError("no")
    return "sent"
