exports.handler = (context, event) => [event.key, event.caller]
