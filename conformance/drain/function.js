exports.initContext = (context) => {
  context.platform.setTerminationCallback(async () => context.logger.info("good bye"))
}

exports.handler = (context, event) => event.body
