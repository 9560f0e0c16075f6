// How a function wants to be called, read from its parameters.
//
// | Contract | Recognised by | Called with |
// |---|---|---|
// | nuclio | two parameters of a function exported as `handler`, or named like `context, event`; or `context` alone | context, event |
// | pratai | a function exported as `main` with one parameter | the payload; {"payload": x} is unwrapped to x |
// | plain | anything else | the payload, spread over several parameters if there are several |
//
// A parameter of a plain function that is called `context` gets the context beside the payload.

import { Event, splitBatch } from './event.mjs'
import { decodePayload } from './payload.mjs'

const CONTEXT_NAMES = new Set(['context', 'ctx', '_context', '_ctx', '_'])
const EVENT_NAMES = new Set(['event', '_event'])
const OPEN = '([{'
const CLOSE = ')]}'
const AsyncFunction = (async () => {}).constructor

export class Contract {
  constructor(fn, name) {
    this.fn = fn
    this.isAsync = fn instanceof AsyncFunction
    this.parameters = parametersOf(fn)
    this.kind = kindOf(name, this.parameters, fn)
    this.unwrap = name === 'main'
    this.mentionsCallback = /\bcallback\b/.test(Function.prototype.toString.call(fn))
    this.values = this.parameters?.filter((parameter) => parameter.name !== 'context') ?? null
  }

  /** `{ args, events }`; `events` is null but for a batch. `context` is the call's own. */
  prepare(meta, body, context) {
    if (this.kind === 'nuclio') {
      if (meta.length > 8 && meta.latin1Slice(0, 8) === '{"batch"') {
        const events = splitBatch(JSON.parse(meta.toString()), body)
        return { args: [context, events], events }
      }
      return { args: [context, new Event(meta, body)], events: null }
    }
    const decoded = meta.length ? JSON.parse(meta.toString()) : {}
    if (decoded.batch) {
      const events = splitBatch(decoded, body)
      const payloads = events.map((event) => this.#payload(event.body, event.content_type))
      return { args: this.#withContext([payloads], context), events }
    }
    const payload = this.#payload(body, decoded.content_type)
    return { args: this.#withContext(this.#spread(payload, body), context), events: null }
  }

  #payload(body, contentType) {
    const payload = decodePayload(body, contentType)
    const unwrap = this.unwrap && payload !== null && typeof payload === 'object' && !Array.isArray(payload)
    return unwrap && Object.keys(payload).length === 1 && Object.hasOwn(payload, 'payload') ? payload.payload : payload
  }

  #spread(payload, body) {
    const { values } = this
    if (values === null) return [payload]
    if (values.length === 0) return []
    if (body.length === 0) return values.length > 1 || values[0].optional ? [] : [payload]
    if (values.length === 1 && !values[0].rest) return [payload]
    if (Array.isArray(payload)) return payload
    if (payload === null || typeof payload !== 'object' || Buffer.isBuffer(payload)) return [payload]
    return values.map(({ name }) => (name === '' ? payload : payload[name]))
  }

  #withContext(args, context) {
    const place = this.parameters?.findIndex((parameter) => parameter.name === 'context') ?? -1
    if (place < 0) return args
    const all = [...args]
    while (all.length < place) all.push(undefined)
    all.splice(place, 0, context)
    return all
  }
}

function kindOf(name, parameters, fn) {
  if (parameters === null) return name === 'handler' && fn.length === 2 ? 'nuclio' : 'plain'
  const [first, second] = parameters
  if (parameters.length >= 2) {
    if (name === 'handler' || CONTEXT_NAMES.has(first.name) || EVENT_NAMES.has(second.name)) return 'nuclio'
    return 'plain'
  }
  if (first && (first.name === 'context' || first.name === 'ctx')) return 'nuclio'
  if (first?.rest && name === 'handler') return 'nuclio'
  return name === 'main' && parameters.length === 1 ? 'pratai' : 'plain'
}

/** `[{ name, optional, rest }]`, name empty for a pattern; null for functions without readable source. */
export function parametersOf(fn) {
  const source = Function.prototype.toString.call(fn).replace(/\/\*[\s\S]*?\*\/|\/\/[^\n]*/g, '')
  if (/\{\s*\[native code\]\s*\}\s*$/.test(source)) return null
  const single = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u.exec(source)
  if (single) return [{ name: single[1], optional: false, rest: false }]
  const start = source.indexOf('(')
  if (start < 0 || source.startsWith('class')) return null
  return splitTopLevel(source, start + 1).map((text) => {
    const rest = text.startsWith('...')
    const match = /^([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*(=)?/u.exec(rest ? text.slice(3) : text)
    return { name: match ? match[1] : '', optional: /=/.test(match ? (match[2] ?? '') : text.replace(/^.*[\]}]/s, '')), rest }
  })
}

/** The parts between the commas of a parameter list that begins at `position`. */
function splitTopLevel(source, position) {
  const parts = []
  let depth = 0
  let part = ''
  let quote = ''
  for (let index = position; index < source.length; index += 1) {
    const character = source[index]
    if (quote) {
      if (character === '\\') part += source[index++]
      else if (character === quote) quote = ''
    } else if (character === '"' || character === "'" || character === '`') {
      quote = character
    } else if (OPEN.includes(character)) {
      depth += 1
    } else if (CLOSE.includes(character)) {
      if (depth === 0) break
      depth -= 1
    } else if (character === ',' && depth === 0) {
      parts.push(part.trim())
      part = ''
      continue
    }
    part += source[index]
  }
  if (part.trim()) parts.push(part.trim())
  return parts
}
