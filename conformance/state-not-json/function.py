def handler(context, event):
    what = event.body.decode()
    if what == "class":
        context.state["x"] = {1, 2}
    elif what == "number":
        context.state["x"] = [float("nan")]
    elif what == "circle":
        context.state["x"] = context.state
    elif what == "key":
        context.state["x"] = {1: "one"}
    return context.state if what == "read" else None
