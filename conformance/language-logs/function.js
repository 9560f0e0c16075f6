exports.main = (payload) => {
  console.debug("low %d", 1)
  console.warn("rising")
  console.log("from a", "console")
  console.error("broken", new Error("division by zero").message)
}
