exports.handler = (context, event) => {
  context.state = { seen: [...(context.state.seen ?? []), event.body.toString()] }
  return context.state.seen
}
