exports.main = (payload = null) => ({ got: payload })
