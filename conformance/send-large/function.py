def handler(context, event):
    for text in "abc":
        context.send(text, text * 300_000)
    return "x" * 100_000
