exports.first = (payload) => payload
exports.second = (payload) => payload
