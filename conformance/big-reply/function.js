exports.handler = (context, event) => "x".repeat(Number(event.body.toString()))
