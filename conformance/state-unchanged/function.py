def handler(context, event):
    what = event.body.decode()
    if what == "read":
        return context.state
    if what == "change and change back":
        context.state["a"].append(3)
        context.state["a"].pop()
    elif what == "assign":
        context.state = {"b": 1, "a": [1, 2]}
    return context.state
