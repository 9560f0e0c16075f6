def handler(context, event):
    context.logger.info("größer: 潮")
    return event.body.decode() + event.get_header("X-Word")
