// Node.js handlers of the conformance cases on Tidemill's world: `handler(context, event)` and `main(payload)`.
import { call, config, configNames, getState, log, send, setState, variable } from "tidemill:function/context@0.1.0"
import { cases } from "./cases.js"

class Buffer extends Uint8Array {
  static from(value) {
    if (typeof value === "string") return Buffer.from(new TextEncoder().encode(value))
    const bytes = new Buffer(value.length)
    bytes.set(value)
    return bytes
  }
  static alloc(size, fill) {
    return new Buffer(size).fill(typeof fill === "string" ? fill.charCodeAt(0) : (fill ?? 0))
  }
  static isBuffer(value) { return value instanceof Buffer }
  static byteLength(text) { return new TextEncoder().encode(text).length }
  toString() { return new TextDecoder().decode(this) }
}

class Response {
  constructor(body = "", headers = {}, content_type = "", status_code = 200) {
    Object.assign(this, { body, headers, content_type, status_code })
  }
}

class BadRequest extends Error {}

const environment = new Proxy({}, { get: (_, name) => variable(String(name)) })
const shown = (value) => (typeof value === "string" ? value : value instanceof Error ? value.stack : JSON.stringify(value))
const printer = (level) => (...values) => log(level, values.map(shown).join(" "))
const quiet = { debug: printer("info"), log: printer("info"), info: printer("info"), warn: printer("warn"), error: printer("warn") }

function load() {
  const name = variable("CASE")
  const module = { exports: {} }
  const process = { env: environment }
  const require = (wanted) => { throw new Error(`Cannot find module '${wanted}'`) }
  cases[name](module, module.exports, require, process, quiet, Buffer, (task) => Promise.resolve().then(task))
  return module.exports
}

/** The handler and whether it takes context and event. */
function find(exports) {
  const wanted = variable("NUCLIO_HANDLER")?.split(":")[1]
  if (wanted) return [exports[wanted], true]
  if (exports.handler) return [exports.handler, true]
  return [typeof exports === "function" ? exports : exports.main, false]
}

/** A payload as its content type says. */
function payload({ contentType, body }) {
  const bytes = Buffer.from(body)
  if (bytes.length === 0) return []
  if (/[/+]json/.test(contentType)) return [JSON.parse(bytes.toString())]
  return [contentType.startsWith("text/") ? bytes.toString() : bytes]
}

const encode = (value) => {
  if (typeof value === "string") return [Buffer.from(value), "text/plain"]
  if (value instanceof Uint8Array) return [value, "text/plain"]
  if (value === undefined || value === null) return [new Buffer(0), "text/plain"]
  return [Buffer.from(JSON.stringify(value)), "application/json"]
}

function reply(result, isNuclio) {
  if (isNuclio && Array.isArray(result) && result.length === 2 && Number.isInteger(result[0])) {
    result = new Response(result[1], {}, "", result[0])
  }
  if (!(result instanceof Response)) result = new Response(result)
  const [body, contentType] = encode(result.body)
  const headers = Object.entries(result.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  return { status: result.status_code, contentType: result.content_type || contentType, headers, body }
}

const title = (name) => name.split("-").map((word) => word.charAt(0).toUpperCase() + word.slice(1)).join("-")

/** Header names as anybody writes them. */
const headersOf = (list) => new Proxy(Object.fromEntries(list), {
  get: (all, name) => all[typeof name === "string" ? name.toLowerCase() : name],
})

function asked(event) {
  const body = Buffer.from(event.body)
  return {
    id: event.id, method: event.method, path: event.path, content_type: event.contentType, type: event.kind, body,
    size: body.length, key: event.key ?? "", caller: event.caller, headers: headersOf(event.headers), title,
    url: event.query ? `${event.path}?${event.query}` : event.path,
    fields: Object.fromEntries(event.query.split("&").filter(Boolean).map((field) => field.split("="))),
    trigger: { kind: event.triggerKind, name: event.triggerName },
    timestamp: new Date(Number(event.timeUs / 1000n)),
  }
}

function exact(value, path = "context.state", above = []) {
  const refuse = (what) => { throw new TypeError(`${path} ${what}, which JSON cannot express`) }
  if (typeof value === "number" && !Number.isFinite(value)) refuse("holds NaN or an infinity")
  if (typeof value === "bigint") refuse("holds a bigint")
  if (typeof value !== "object" || value === null) return
  if (above.includes(value)) refuse("refers to itself")
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
  if (!isPlain) refuse(`holds a ${value.constructor.name}`)
  for (const item of Object.values(value)) exact(item, path, [...above, value])
}

/** The same value gives the same text, in whatever order its members are. */
const canonical = (value) => JSON.stringify(value, (_, item) =>
  item && typeof item === "object" && !Array.isArray(item) ? Object.fromEntries(Object.entries(item).sort()) : item)

class Context {
  #state
  #before
  #known = false
  constructor(answer) {
    this.callback = answer
    this.Response = Response
    this.userData = {}
    this.worker_id = variable("WORKER")
    this.configs = Object.fromEntries(configNames().map((name) => [name, config(name)]))
    const level = (name) => (message) => log(name, message)
    const withFields = (name) => (message, fields) => log(name, message, JSON.stringify(fields))
    this.logger = {}
    for (const name of ["debug", "info", "warn", "error"]) {
      this.logger[name] = level(name)
      this.logger[`${name}With`] = withFields(name)
    }
    this.platform = { callFunction: async (name, request = {}) => {
      const [body, contentType] = encode(request.body)
      const headers = Object.entries(request.headers ?? {}).map(([key, value]) => [key, String(value)])
      const method = request.method ?? (body.length ? "POST" : "GET")
      let answer
      try {
        answer = call(name, { method, path: request.path ?? "/", contentType: request.content_type ?? contentType, headers, body })
      } catch (error) {
        throw new Error(error.payload ?? String(error))
      }
      const found = Buffer.from(answer.body)
      const parsed = answer.contentType.startsWith("application/json") ? JSON.parse(found.toString()) : found
      return { status_code: answer.status, headers: headersOf(answer.headers), content_type: answer.contentType, body: parsed }
    } }
  }
  get state() {
    if (!this.#known) {
      let text
      try { text = getState() } catch (error) { throw new Error(error.payload ?? String(error)) }
      this.#state = text === undefined || text === null ? {} : JSON.parse(text)
      this.#before = canonical(this.#state)
      this.#known = true
    }
    return this.#state
  }
  set state(value) {
    this.state
    this.#state = value
  }
  keep() {
    if (!this.#known) return
    exact(this.#state)
    if (canonical(this.#state) !== this.#before) setState(JSON.stringify(this.#state))
  }
  send(name, body, { key, content_type, headers = {}, delay = 0 } = {}) {
    if (typeof name !== "string" || name === "") throw new TypeError("a message takes the name of a function")
    if (key !== undefined && typeof key !== "string") throw new TypeError("the key of a message is text")
    if (!(delay >= 0)) throw new TypeError("the delay of a message is a number of seconds")
    if (body && typeof body === "object" && !(body instanceof Uint8Array)) exact(body, "the body of the message")
    const [bytes, kind] = encode(body)
    const list = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)])
    const delayMs = BigInt(Math.round(delay * 1000))
    try {
      send({ function: name, key, contentType: content_type ?? kind, headers: list, body: bytes, delayMs })
    } catch (error) {
      throw new Error(error.payload ?? String(error))
    }
  }
}

export const handler = {
  async handle(event) {
    try {
      const [run, isNuclio] = find(load())
      let answered
      const answer = new Promise((resolve) => { answered = resolve })
      let called = false
      const context = new Context((value) => { called = true; answered(value) })
      const result = await (isNuclio ? run(context, asked(event)) : run(...payload(event)))
      const value = result === undefined && isNuclio && run.length === 2 && called ? await answer : result
      context.keep()
      return reply(value === null && !isNuclio ? new Response("null", {}, "application/json") : value, isNuclio)
    } catch (error) {
      const status = error instanceof BadRequest ? 400 : 500
      throw { message: `${error.name}: ${error.message}`, status, traceback: `${error.name}: ${error.message}\n${error.stack}` }
    }
  },
}
