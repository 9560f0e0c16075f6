// The typed payload that plain functions receive.
//
// | Content type | Payload |
// |---|---|
// | (empty body) | null |
// | application/json, …+json | the JSON value; anything else in the body is the caller's error (400) |
// | text/* | string |
// | application/x-www-form-urlencoded | JSON if it parses as such, else an object of the fields (an array where one repeats) |
// | none or another | JSON if it parses as such, else a string if it is UTF-8, else a Buffer |

import { InvalidPayload } from './failure.mjs'

const JSON_STARTS = new Set([...'{["-0123456789tfn \t\r\n'].map((character) => character.charCodeAt(0)))
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The content type without parameters, in lower case. */
export function mediaType(contentType) {
  const kind = contentType ?? ''
  const end = kind.indexOf(';')
  return (end < 0 ? kind : kind.slice(0, end)).trim().toLowerCase()
}

/** The payload of `body`. Throws `InvalidPayload`. */
export function decodePayload(body, contentType) {
  if (body.length === 0) return null
  const kind = mediaType(contentType)
  if (kind === 'application/json' || kind.endsWith('+json')) {
    try {
      return JSON.parse(body.toString())
    } catch (error) {
      throw new InvalidPayload(`the content type is ${kind} but the body is not JSON: ${error.message}`)
    }
  }
  if (kind.startsWith('text/')) return body.toString()
  if (JSON_STARTS.has(body[0])) {
    try {
      return JSON.parse(body.toString())
    } catch {
      // then it is text or bytes
    }
  }
  let text
  try {
    text = strictUtf8.decode(body)
  } catch {
    return body
  }
  return kind === 'application/x-www-form-urlencoded' ? fields(text) : text
}

function fields(text) {
  const result = {}
  for (const [name, value] of new URLSearchParams(text)) {
    if (!Object.hasOwn(result, name)) result[name] = value
    else if (Array.isArray(result[name])) result[name].push(value)
    else result[name] = [result[name], value]
  }
  return result
}
