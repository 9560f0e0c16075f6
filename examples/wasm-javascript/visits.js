// Counts visits, one state for the function. A component of Tidemill's world: what is exported is what it calls, and what is
// imported is what it may ask for.
import { getState, log, setState } from "tidemill:function/context@0.1.0"

const encode = (value) => new TextEncoder().encode(JSON.stringify(value))

export const handler = {
  handle(event) {
    const visits = JSON.parse(getState() ?? "{}")
    const name = new TextDecoder().decode(event.body).trim()
    if (name === "") throw { message: "who is it? the body is empty", status: 400, traceback: "" }
    visits[name] = (visits[name] ?? 0) + 1
    setState(JSON.stringify(visits))
    log("info", `visit of ${name}`, JSON.stringify({ count: visits[name] }))
    return { status: 200, contentType: "application/json", headers: [], body: encode({ name, visits: visits[name] }) }
  },
}
