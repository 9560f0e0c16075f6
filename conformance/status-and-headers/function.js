exports.handler = (context, event) => {
  context.callback(new context.Response("made", { "X-Tide": "high", "X-Count": 3 }, "text/x-tide", 201))
}
