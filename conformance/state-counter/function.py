def handler(context, event):
    context.state["count"] = context.state.get("count", 0) + 1
    return str(context.state["count"])
