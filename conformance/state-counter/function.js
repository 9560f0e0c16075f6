exports.handler = (context, event) => {
  context.state.count = (context.state.count ?? 0) + 1
  return String(context.state.count)
}
