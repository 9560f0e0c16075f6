exports.handler = () => "wrong"
exports.other = (context, event) => "right"
