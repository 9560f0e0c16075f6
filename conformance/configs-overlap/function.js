let arrived = 0
let open
const all = new Promise((resolve) => { open = resolve })

exports.handler = async (context) => {
  arrived += 1
  if (arrived === 3) open()
  await all
  return context.configs.side ?? 'none'
}
