exports.handler = (context, event) => {
  context.send('next', 'now')
  context.state.n = 1
  if (event.body.toString() === 'raise') throw new RangeError('no')
  return 'sent'
}
