// What a function returned, as the REPLY frame's meta and body. Each contract has its table from a value to
// { status, headers, contentType, body }. The common replies, status 200 without headers, have hand-made metas.

import { encodeJson } from './encode.mjs'
import { Response } from './response.mjs'

const TEXT = 'text/plain'
const TEXT_UTF8 = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json'
const BYTES = 'application/octet-stream'
const STATUS_MIN = 200
const STATUS_MAX = 599
const NOTHING = Buffer.alloc(0)
const UNANSWERED = made(TEXT, Buffer.from('the function returned no response for this event'), 500)

function made(contentType, body, status = 200, headers = null) {
  return { status, headers, contentType, body }
}

const bytesOf = (value) =>
  Buffer.isBuffer(value) ? value : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
const json = (value, status) => made(JSON_TYPE, Buffer.from(encodeJson(value)), status)

/** `[meta, body]` of the REPLY frame. Throws if `value` cannot be a response. */
export function reply(kind, value, events, userUs) {
  const table = kind === 'nuclio' ? nuclio : plain
  if (events) return batch(table, value, events, userUs)
  const { status, headers, contentType, body } = table(value)
  if (status === 200 && headers === null) {
    if (contentType === TEXT) return [`{"user_us":${userUs}}`, body]
    if (contentType === JSON_TYPE) return [`{"content_type":"application/json","user_us":${userUs}}`, body]
  }
  const meta = { status, content_type: contentType, user_us: userUs }
  if (headers) meta.headers = headers
  return [JSON.stringify(meta), body]
}

function nuclio(value) {
  if (typeof value === 'string') return made(TEXT, Buffer.from(value))
  if (value instanceof Uint8Array) return made(TEXT, bytesOf(value))
  if (value instanceof Response) return response(value)
  if (Array.isArray(value) && value.length === 2 && typeof value[0] === 'number') {
    const [code, body] = value
    if (body instanceof Response) return { ...response(body), status: status(code) }
    if (typeof body === 'string') return made(TEXT, Buffer.from(body), status(code))
    if (body instanceof Uint8Array) return made(TEXT, bytesOf(body), status(code))
    return json(body, status(code))
  }
  return json(value)
}

function plain(value) {
  if (typeof value === 'string') return made(TEXT_UTF8, Buffer.from(value))
  if (value instanceof Uint8Array) return made(BYTES, bytesOf(value))
  if (value instanceof Response) return response(value)
  return json(value)
}

function response(value) {
  let { body, content_type: contentType } = value
  const headers = {}
  for (const [name, text] of Object.entries(value.headers ?? {})) {
    if (text === undefined || text === null) continue
    // An array becomes a line each, as Set-Cookie needs.
    if (name.toLowerCase() !== 'content-type') headers[name] = Array.isArray(text) ? text.map(String) : String(text)
    else if (!contentType || contentType === TEXT) contentType = String(text)
  }
  if (typeof body === 'string') body = Buffer.from(body, value.body_encoding === 'base64' ? 'base64' : 'utf8')
  else if (body instanceof Uint8Array) body = bytesOf(body)
  else if (body === undefined || body === null) body = NOTHING
  else body = Buffer.from(encodeJson(body))
  if (contentType !== undefined && typeof contentType !== 'string') throw new TypeError('content_type is text')
  const hasHeaders = Object.keys(headers).length > 0
  return made(contentType ?? TEXT, body, status(value.status_code), hasHeaders ? headers : null)
}

function status(value) {
  if (Number.isInteger(value) && value >= STATUS_MIN && value <= STATUS_MAX) return value
  throw new RangeError(`a status is a whole number from ${STATUS_MIN} to ${STATUS_MAX}, not ${value}`)
}

/** Responses find their events by `event_id`, those without one by their place in the array. */
function batch(table, value, events, userUs) {
  const values = value === undefined || value === null ? events.map(() => '') : value
  if (!Array.isArray(values)) throw new TypeError(`a batch is answered with an array of responses, not ${typeof values}`)
  const byId = new Map()
  const byPlace = []
  for (const item of values) {
    if (item?.event_id === undefined) byPlace.push(item)
    else byId.set(item.event_id, item)
  }
  if (byPlace.length && byPlace.length + byId.size !== events.length) {
    throw new RangeError(`the batch has ${events.length} events and the function returned ${values.length} responses`)
  }
  const bodies = []
  let place = 0
  const members = events.map(({ id }) => {
    const known = byId.has(id)
    const result = known ? table(byId.get(id)) : byPlace.length ? table(byPlace[place++]) : UNANSWERED
    bodies.push(result.body)
    const member = {
      event_id: id,
      status: result.status,
      content_type: result.contentType,
      size: result.body.length,
    }
    if (result.headers) member.headers = result.headers
    return member
  })
  return [JSON.stringify({ batch: members, user_us: userUs }), Buffer.concat(bodies)]
}
