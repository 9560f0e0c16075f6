exports.handler = async (context, event) => {
  const response = await context.platform.callFunction("ask", { body: event.body })
  return response.body
}
