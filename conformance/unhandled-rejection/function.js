exports.handler = (context, event) => {
  const kind = event.body.toString()
  if (kind === "reject") Promise.reject(new RangeError("left alone"))
  else if (kind === "throw") setTimeout(() => { throw new TypeError("too late") }, 1)
  else context.callback("fine")
}
