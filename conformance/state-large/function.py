def handler(context, event):
    if event.body:
        context.state = {"text": "tide ü 🌊 " * 50_000, "deep": [[[{"n": 1}]]], "again": 0}
    else:
        context.state["again"] += 1
    return [len(context.state["text"].encode()), context.state["deep"], context.state["again"]]
