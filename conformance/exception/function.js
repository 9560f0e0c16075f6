class ValueError extends Error {}
ValueError.prototype.name = "ValueError"

function inner(text) {
  throw new ValueError(`bad input: ${text}`)
}

exports.handler = (context, event) => {
  const body = event.body.toString()
  if (body === "fail") inner("fail")
  if (body === "exit") process.exit(3)
  return "fine"
}
