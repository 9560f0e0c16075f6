exports.handler = (context, event) => {
  if (event.body.toString() === 'write') context.state = { n: 1 }
  return context.state
}
