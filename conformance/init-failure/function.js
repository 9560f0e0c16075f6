exports.initContext = () => { throw new Error("no database") }

exports.handler = () => "never"
