exports.handler = (context, event) => event.body.toString().toUpperCase()
