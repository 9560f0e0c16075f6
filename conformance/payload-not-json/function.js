exports.main = (payload) => "called"
