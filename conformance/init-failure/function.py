def init_context(context):
    raise RuntimeError("no database")


def handler(context, event):
    return "never"
