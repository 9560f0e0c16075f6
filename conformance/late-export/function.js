setTimeout(() => { exports.handler = (context, event) => "late" }, 50)
