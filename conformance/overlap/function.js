let arrived = 0
let open
const both = new Promise((resolve) => { open = resolve })

exports.handler = async (context, event) => {
  const name = event.body.toString()
  console.log(name, "arrives")
  arrived += 1
  if (arrived === 2) open()
  await both
  console.log(name, "leaves")
  return name
}
