exports.handler = (context, event) => new context.Response("x", {}, "text/plain", Number(event.body))
