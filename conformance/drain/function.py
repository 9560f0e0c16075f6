def init_context(context):
    context.platform.set_termination_callback(lambda: context.logger.info("good bye"))


def handler(context, event):
    return event.body
