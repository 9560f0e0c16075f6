exports.handler = (context, event) => {
  const what = event.body.toString()
  if (what === 'name') context.send('', 'x')
  else if (what === 'key') context.send('next', 'x', { key: 7 })
  else if (what === 'delay') context.send('next', 'x', { delay: -1 })
  else context.send('next', { x: Infinity })
}
