def handler(context, event):
    return context.configs
