const waiting = []

exports.handler = async (context, event) => {
  context.state.key = event.key
  const turn = new Promise((resolve) => waiting.push(resolve))
  if (waiting.length === 3) waiting.reverse().forEach((resolve) => resolve())
  await turn
  context.state.after = event.key
  await null
  context.send('next', event.key)
  return context.state
}
