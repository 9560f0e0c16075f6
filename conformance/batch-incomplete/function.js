exports.handler = (context, events) => {
  const response = new context.Response("ok")
  response.event_id = events[1].id
  return [response]
}
