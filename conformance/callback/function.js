exports.handler = (context, event) => {
  setImmediate(() => context.callback([event.body.length ? 200 : 400, event.body]))
}
