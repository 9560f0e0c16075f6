exports.handler = (context, event) => event.body
