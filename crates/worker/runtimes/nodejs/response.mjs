// `context.Response`: a response with a status, headers and a content type.

import { encodeJson } from './encode.mjs'

export class Response {
  constructor(body, headers, contentType = 'text/plain', statusCode = 200, bodyEncoding = 'text') {
    this.headers = headers ?? {}
    this.content_type = contentType
    this.status_code = statusCode
    this.body_encoding = bodyEncoding
    if (body === undefined || body === null) this.body = ''
    else if (typeof body === 'string' || body instanceof Uint8Array) this.body = body
    else {
      this.body = encodeJson(body)
      if (contentType === 'text/plain') this.content_type = 'application/json'
    }
  }
}
