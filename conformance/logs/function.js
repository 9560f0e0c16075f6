exports.handler = (context, event) => {
  context.logger.debug("one")
  context.logger.infoWith("two", { size: 2, name: "x" })
  context.logger.warn("three")
  context.logger.error("four")
  return "done"
}
