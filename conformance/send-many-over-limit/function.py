def handler(context, event):
    for number in range(int(event.body)):
        context.send("next", str(number))
    return "sent"
