exports.handler = (context, event) => {
  for (let number = 0; number < Number(event.body); number += 1) context.send('next', String(number))
  return 'sent'
}
