exports.handler = async (context, event) => {
  const request = { body: Buffer.alloc(1048576, "z"), path: "/", method: "POST", content_type: "text/plain" }
  const response = await context.platform.callFunction("echo", request)
  return String(response.body.length)
}
