const seen = []

exports.handler = (context, event) => {
  seen.push(event.body.toString())
  return seen.join(",")
}
