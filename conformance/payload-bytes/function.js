module.exports = function reverse(data) {
  if (!Buffer.isBuffer(data)) throw new TypeError("expected bytes")
  return Buffer.from(data).reverse()
}
