import json

def handler(context, event):
    before = context.state
    context.state = json.loads(event.body)
    return [before]
