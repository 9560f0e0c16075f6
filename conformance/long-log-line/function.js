exports.main = (payload) => {
  console.log("y".repeat(payload))
  return "ok"
}
