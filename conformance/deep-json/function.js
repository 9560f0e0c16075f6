exports.main = (payload) => payload
