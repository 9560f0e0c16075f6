exports.main = (payload) => {
  if (payload === "object") return { it: 10n }
  if (payload === "circle") {
    const circle = []
    circle.push(circle)
    return circle
  }
  return "fine"
}
