exports.handler = (context, event) => {
  const before = context.state
  context.state = JSON.parse(event.body)
  return [before]
}
