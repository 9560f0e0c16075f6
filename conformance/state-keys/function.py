def handler(context, event):
    context.state = {"seen": [*context.state.get("seen", []), event.body.decode()]}
    return context.state["seen"]
