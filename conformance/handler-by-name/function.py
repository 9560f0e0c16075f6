def handler(context, event):
    return "wrong"


def other(context, event):
    return "right"
