exports.handler = (context, event) => {
  for (const text of 'abc') context.send(text, text.repeat(300_000))
  return 'x'.repeat(100_000)
}
