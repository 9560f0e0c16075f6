exports.handler = (context, events) => events.map((event) => {
  const response = new context.Response(JSON.stringify(context.configs), {}, 'application/json')
  response.event_id = event.id
  return response
})
