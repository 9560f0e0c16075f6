exports.handler = (context, event) => {
  if (event.body.length) context.state = { text: 'tide ü 🌊 '.repeat(50_000), deep: [[[{ n: 1 }]]], again: 0 }
  else context.state.again += 1
  return [Buffer.byteLength(context.state.text), context.state.deep, context.state.again]
}
