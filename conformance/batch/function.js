exports.handler = (context, events) => {
  const responses = events.map((event, index) => {
    const response = new context.Response(event.body.toString().repeat(2), {}, "text/plain", 200 + index)
    response.event_id = event.id
    return response
  })
  return responses.reverse()
}
