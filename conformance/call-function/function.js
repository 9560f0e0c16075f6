exports.handler = async (context, event) => {
  const request = { body: { n: 2 }, path: "/twice", method: "POST", headers: { "X-Mark": "m" } }
  const response = await context.platform.callFunction("double", request)
  let problem
  try {
    await context.platform.callFunction("absent", {})
  } catch (error) {
    problem = error.message
  }
  return { n: response.body.n, status: response.status_code, mark: response.headers["x-mark"], problem }
}
