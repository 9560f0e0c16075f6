exports.handler = (context, event) => {
  const what = event.body.toString()
  if (what === 'class') context.state.x = new Map([[1, 2]])
  else if (what === 'number') context.state.x = [NaN]
  else if (what === 'circle') context.state.x = context.state
  else if (what === 'key') context.state.x = { one: 1n }
  return what === 'read' ? context.state : null
}
