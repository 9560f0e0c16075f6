import no_such_module_anywhere


def handler(context, event):
    return "never"
