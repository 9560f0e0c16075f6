exports.initContext = async (context) => {
  context.userData.greeting = "hello"
  context.userData.count = 0
  console.log("initialised")
}

exports.handler = (context, event) => {
  context.userData.count += 1
  return `${context.userData.greeting} ${context.userData.count}`
}
