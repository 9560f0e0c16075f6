module.exports = function add(a, b = 10) {
  if (a === undefined) throw new TypeError("add needs a")
  return a + b
}
