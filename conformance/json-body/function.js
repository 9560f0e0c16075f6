exports.handler = (context, event) => {
  try {
    const body = JSON.parse(event.body)
    return { sum: body.numbers.reduce((a, b) => a + b, 0), name: body.name }
  } catch {
    return { bytes: event.body.length }
  }
}
