exports.handler = (context, event) => {
  context.logger.info("größer: 潮")
  return event.body.toString() + event.headers["X-Word"]
}
