exports.handler = (context, event) => {
  const headers = {}
  for (const [name, value] of Object.entries(event.headers)) {
    if (name.startsWith("x-in-")) headers[`x-back-${name.slice(5)}`] = value
  }
  return new context.Response(String(Object.keys(headers).length), headers)
}
