let open
const gate = new Promise((resolve) => { open = resolve })

class KeyError extends Error {
  get name() { return "KeyError" }
}

exports.handler = async (context, event) => {
  if (event.body.toString() === "fail") {
    open()
    throw new KeyError("'gone'")
  }
  await gate
  return "fine"
}
