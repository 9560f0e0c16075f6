exports.handler = (context, event) => {
  const what = event.body.toString()
  if (what === 'change and change back') {
    context.state.a.push(3)
    context.state.a.pop()
  } else if (what === 'assign') {
    context.state = { b: 1, a: [1, 2] }
  } else if (what === 'leave') {
    return { b: 1, a: [1, 2] }
  }
  return context.state
}
