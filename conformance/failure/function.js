exports.handler = async (context, event) => {
  throw new Error(event.body.toString())
}
