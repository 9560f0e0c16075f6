module.exports = (payload) => ({ value: payload })
